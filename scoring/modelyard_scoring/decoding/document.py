"""JSON texts and what they hold."""

from __future__ import annotations

import json
import sys
from typing import Any

import orjson

from modelyard_scoring.decoding.column import describe
from modelyard_scoring.errors import FormError, MalformedError

WRAPPERS = ("data", "input_data", "instances", "inputs", "dataframe_split", "dataframe_records")
"""The names under which rows lie: ours, and those that clients of other servers send."""
_TOO_LARGE = f"a number is beyond {sys.float_info.max:.5g}, the largest there is"
_NESTING = frozenset((dict, list))


def parse(body: bytes) -> Any:
    """Read a JSON text as RFC 8259 has it: UTF-8, no NaN, no lone surrogates, at most 1024 deep.

    Whole numbers beyond 64 bits become floats.

    Raises
    ------
    MalformedError
        If it is not JSON, where the text names line and column, or a name comes twice in an object.
    """
    if not body:
        raise MalformedError("JSON", "it is empty")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        problem = error.msg.split(": line ")[0].replace("number is infinity when parsed as double", _TOO_LARGE)
        place = f"{problem}, at line {error.lineno}, column {error.colno}"
        raise MalformedError("JSON", place, line=error.lineno, position=error.pos) from None
    if body.count(b":") > _pairs(content):  # a name came twice, or a text has a colon
        refuse_twice(body)
    return content


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


def is_table(document: Any) -> bool:
    """Tell whether it is rows beside the names of their columns, ``{"columns": ..., "data": ...}``."""
    return isinstance(document, dict) and "columns" in document and "data" in document


def table(content: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Take what should be names, and the rows, out of a table that may have an ``index``, which is ignored.

    Raises
    ------
    FormError
        If the rows are no list, or the index is not as long.
    """
    data = content.get("data")
    if not isinstance(data, list):
        raise FormError('a list of rows as "data"', describe(data))
    index = content.get("index", data)
    if not isinstance(index, list) or len(index) != len(data):
        raise FormError(f'a list of {len(data)} as "index"', describe(index))
    return content.get("columns"), data


def unwrap(document: Any, wanted: str) -> Any:
    """Take what lies under the one of the names of `WRAPPERS` that is there.

    Other names beside it are ignored. A list is returned as it is.

    Raises
    ------
    FormError
        If there is none of the names, or more than one.
    """
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise FormError(wanted, describe(document))
    found = [name for name in WRAPPERS if name in document]
    if len(found) != 1:
        names = ", ".join(repr(name[:40]) for name in list(document)[:5]) or "no names"
        raise FormError(wanted, f"an object with {names}")
    return document[found[0]]
