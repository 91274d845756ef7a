"""Content types as headers give them, reduced to what decides how a body is read."""

from __future__ import annotations

from typing import Final

from modelyard_scoring.errors import ContentTypeError

CSV_WITH_HEADER: Final = b"text/csv; header=present"
_KEPT = 100


class ContentTypes:
    """Reads headers ``Content-Type``, and remembers those already seen."""

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}

    def of(self, header: bytes) -> bytes:
        """Give the type in lower case, without parameters but for ``header=present`` of CSV, as RFC 4180 has it.

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
    kind, *parameters = (part.strip().lower() for part in header.split(b";"))
    for parameter in parameters:
        name, value = (part.strip().strip(b'"') for part in (*parameter.split(b"=", 1), b"")[:2])
        if name == b"charset" and value not in {b"utf-8", b"utf8"}:
            raise ContentTypeError(header.decode("latin-1"), ["the charset utf-8"])
        if (kind, name, value) == (b"text/csv", b"header", b"present"):
            kind = CSV_WITH_HEADER
    return kind
