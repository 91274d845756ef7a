"""The names in JSON objects, each of which comes once: readers differ in which of two values they take."""

from __future__ import annotations

import json
from typing import Any

from modelyard_scoring.errors import MalformedError

_NESTING = frozenset((dict, list))


def check(body: bytes, content: Any) -> None:
    """Refuse a JSON text, which was read as `content`, where `refuse_twice` would, but tell in most cases at once.

    Each name has a colon behind it, and of two that are the same only one is in what was read.
    """
    if body.count(b":") > _pairs(content):  # a name came twice, or a text has a colon
        refuse_twice(body)


def _pairs(content: Any) -> int:
    """Count the names of all objects, as they are after reading: once each."""
    count = 0
    waiting: list[Any] = [[content]]
    while waiting:
        one = waiting.pop()
        values = one
        if type(one) is dict:
            count += len(one)
            values = one.values()
        if not _NESTING.isdisjoint(map(type, values)):
            waiting += [value for value in values if type(value) in _NESTING and value]
    return count


def refuse_twice(body: bytes) -> None:
    """Look closely at a JSON text, which takes longer than to read it, for a name that comes twice in an object.

    Readers differ in which of the two values they take, so that the text means different things to different programs.

    Raises
    ------
    MalformedError
        If there is one.
    """
    try:
        json.loads(body, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except RecursionError:
        raise MalformedError("JSON", "it is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise MalformedError("JSON", f"the name {name[:60]!r} comes twice in an object")
        seen.add(name)
