"""Headers ``Accept``: which of the forms that there are a client likes best.

Source: RFC 9110, section 12.5.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelyard_scoring.answers import JSON
from modelyard_scoring.errors import NotAcceptableError

ANY = frozenset([b"", b"*/*", JSON])
"""What means JSON, and needs no further thought."""

_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_KEPT = 100


class Acceptance:
    """Reads headers ``Accept`` for one list of forms, and remembers those already seen.

    Parameters
    ----------
    forms
        Content types in lower case; of several that a client likes equally, the first is taken.
    """

    def __init__(self, forms: Sequence[str]) -> None:
        self._forms = forms
        self._known: dict[bytes, str] = {}

    def best(self, header: bytes) -> str:
        """Give the form that the header likes best.

        Raises
        ------
        NotAcceptableError
            If it takes none of them.
        """
        known = self._known.get(header)
        if known is None:
            known = self._choose(header.decode("latin-1"))
            if len(self._known) < _KEPT:
                self._known[header] = known
        return known

    def _choose(self, header: str) -> str:
        ranges = _ranges(header)
        liked = [(_liking(form, ranges), -place, form) for place, form in enumerate(self._forms)]
        (quality, _), _, form = max(liked)
        if quality <= 0:
            raise NotAcceptableError(header, self._forms)
        return form


def _ranges(header: str) -> dict[str, float]:
    """Give the quality of each range of types; one that has no such number is left out."""
    ranges = {}
    for part in header.lower().split(","):
        kind, *parameters = (text.strip() for text in part.split(";"))
        quality = next((text[2:].strip() for text in parameters if text.startswith("q=")), "1")
        if _QUALITY.fullmatch(quality):
            ranges[kind] = float(quality)
    return ranges


def _liking(form: str, ranges: dict[str, float]) -> tuple[float, int]:
    """Give the quality of the range that names the form most closely, and how closely."""
    closest = [form, form.partition("/")[0] + "/*", "*/*"]
    return next(((ranges[name], -far) for far, name in enumerate(closest) if name in ranges), (0.0, 0))
