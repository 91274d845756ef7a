"""The head of a request: how much of it there may be, and what must be in it."""

from __future__ import annotations

from collections.abc import Mapping

from modelyard_scoring.settings import Settings

# what would be read in two ways if it came twice
ONCE = frozenset(
    [
        b"host",
        b"content-type",
        b"content-length",
        b"transfer-encoding",
        b"authorization",
        b"x-api-key",
        b"content-encoding",
        b"inference-header-content-length",
    ]
)


class HeadMeter:
    """Measures the head of one request after the other, trailers included."""

    def __init__(self, settings: Settings) -> None:
        self._max_count = settings.max_headers
        self._max_bytes = settings.max_header_bytes
        self.begin()

    def begin(self) -> None:
        """Begin with a new head."""
        self._count = self._parsed = self._fed = 0
        self._begun = True

    def parsed(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        self._count += 1
        self._parsed += len(name) + len(value) + 4

    def fed(self, length: int) -> None:
        """Count bytes that came without an end of the head: a header may be among them that never ends.

        Those with which the head began are left out: before it they may hold other requests, whole ones.
        """
        if self._begun:
            self._begun = False
        else:
            self._fed += length

    @property
    def over(self) -> bool:
        """Whether there are too many headers, or too many bytes of them."""
        return self._count > self._max_count or max(self._parsed, self._fed) > self._max_bytes


def problem(version: str, headers: Mapping[bytes, bytes]) -> str | None:
    """Say why a head cannot be answered."""
    if version not in {"1.1", "1.0"}:
        return f"its version is {version}"
    if version == "1.1" and b"host" not in headers:
        return "it has no host header"
    if (coding := headers.get(b"transfer-encoding")) is not None:
        if coding.lower() != b"chunked":
            return "its transfer encoding is not 'chunked'"
        if version == "1.0":
            return "it is chunked, which version 1.0 does not know"
    return None
