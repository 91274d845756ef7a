"""JSON texts and what they hold."""

from __future__ import annotations

import sys
from typing import Any

import orjson

from modelyard_scoring.decoding import duplicates
from modelyard_scoring.decoding.column import describe
from modelyard_scoring.errors import FormError, MalformedError
from modelyard_scoring.service.signature import WRAPPERS

_TOO_LARGE = f"a number is beyond {sys.float_info.max:.5g}, the largest there is"


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
    duplicates.check(body, content)
    return content


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
        listed = ", ".join(repr(name[:40]) for name in list(document)[:5]) or "no names"
        raise FormError(wanted, f"an object with {listed}")
    return document[found[0]]
