"""What a registry asks for when it answers 401: the header WWW-Authenticate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_PART = re.compile(
    rf'[\s,]*(?:(?P<key>{_WORD})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]+))'
    rf"|(?P<scheme>{_WORD})(?=[\s,]|$))"
)
_LONGEST = 8192


class Challenge(Struct, frozen=True, kw_only=True):
    """One way to authenticate; `scheme` and the names of parameters are in lower case."""

    scheme: str
    parameters: dict[str, str]


def read_challenges(headers: Iterable[str]) -> Iterator[Challenge]:
    """Read the values of the header, each with one challenge or several; what is malformed ends its value."""
    for header in headers:
        yield from _read(header[:_LONGEST])


def _read(header: str) -> Iterator[Challenge]:
    current: Challenge | None = None
    place = 0
    while (match := _PART.match(header, place)) is not None:
        place = match.end()
        if match["scheme"] is not None:
            if current is not None:
                yield current
            current = Challenge(scheme=match["scheme"].lower(), parameters={})
        elif current is not None:
            value = match["bare"] or re.sub(r"\\(.)", r"\1", match["quoted"] or "")
            current.parameters.setdefault(match["key"].lower(), value)
    if current is not None:
        yield current
