"""CSV texts (RFC 4180): lines of texts, and the value that a text stands for."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from modelyard_scoring.decoding.column import Column
from modelyard_scoring.errors import MalformedError, ValueRefusedError

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,5})?")


def lines(body: bytes) -> list[list[str]]:
    """Split a CSV text in UTF-8 into lines of texts; empty lines are left out.

    Raises
    ------
    MalformedError
        If it is not UTF-8, or a quote is not closed.
    """
    try:
        text = body.decode("utf-8-sig")
        return [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except UnicodeDecodeError as error:
        raise MalformedError("CSV in UTF-8", f"byte {error.start} is not UTF-8", position=error.start) from None
    except csv.Error as error:
        raise MalformedError("CSV", str(error)) from None


def value(text: str, column: Column, row: int, name: str | int) -> Any:
    """Turn the text of a cell into what JSON would hold; an empty cell is missing, except of texts.

    Raises
    ------
    ValueRefusedError
        If the text stands for no value of the column's type.
    """
    kind = column.kind
    if kind in {"string", "datetime"}:
        return None if text == "" and column.nullable else text
    stripped = text.strip(" ")
    if stripped == "" and column.nullable:
        return None
    if kind == "bool" and stripped.lower() in {"true", "false"}:
        return stripped.lower() == "true"
    if kind.startswith("float") and _NUMBER.fullmatch(stripped):
        return float(stripped)
    if kind.startswith(("int", "uint")) and _INTEGER.fullmatch(stripped):
        return int(stripped)
    raise ValueRefusedError(row, name, column.wanted, f"the text {text[:60]!r}")
