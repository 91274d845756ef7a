"""Content types as headers give them, reduced to what decides how a body is read."""

from __future__ import annotations

from modelyard_scoring.errors import ContentTypeError

_KEPT = 100


class ContentTypes:
    """Reads headers ``Content-Type``, and remembers those already seen."""

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}

    def of(self, header: bytes) -> bytes:
        """Give the type in lower case, without parameters.

        Raises
        ------
        ContentTypeError
            If it names another charset than UTF-8.
        """
        known = self._known.get(header)
        if known is None:
            known = _parse(header)
            if len(self._known) < _KEPT:
                self._known[header] = known
        return known


def _parse(header: bytes) -> bytes:
    kind, _, parameters = header.partition(b";")
    for parameter in parameters.split(b";"):
        name, _, value = parameter.strip().partition(b"=")
        if name.strip().lower() == b"charset" and value.strip().strip(b'"').lower() not in {b"utf-8", b"utf8"}:
            raise ContentTypeError(header.decode("latin-1"), ["the charset utf-8"])
    return kind.strip().lower()
