"""CSV texts (RFC 4180): lines of texts, and the value that a text stands for."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, Self

from modelyard_scoring.decoding.column import Column
from modelyard_scoring.errors import FormError, MalformedError, ValueRefusedError
from modelyard_scoring.turns import SLICE

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_PLAIN = re.compile(r"[0-9eE+\-., ]*")
_LONG_LINE = 2**20
_LONG_VALUE = csv.field_size_limit()  # and a comma: of a line that is longer, one value is longer than `csv` takes
_EMPTY_TOGETHER = 1000
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,5})?")


def lines(body: bytes, width: int | None) -> list[list[str]]:
    """Split a CSV text in UTF-8 into lines of `width` texts, or of any number where that is None.

    Lines of nothing are left out. Only where lines have one text it is a line with an empty one, unless no others
    follow: rows would be answered by the answers of others.

    Raises
    ------
    MalformedError
        If it is not UTF-8, or a quote is not closed.
    """
    try:
        text = body.decode("utf-8-sig")
        found = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise MalformedError("CSV in UTF-8", f"byte {error.start} is not UTF-8", position=error.start) from None
    except csv.Error as error:
        raise MalformedError("CSV", str(error)) from None
    while found and not found[-1]:
        found.pop()
    if (width or max(map(len, found), default=0)) > 1:
        return [line for line in found if line]
    return [line or [""] for line in found]


def groups(body: bytes, width: int | None) -> Iterator[list[list[str]]]:
    """Split a large text as `lines` does, a part at a time; parts may be empty.

    Raises
    ------
    MalformedError
        If it is not UTF-8, or a quote is not closed.
    FormError
        If a line is too long to be one of `width` values, or of any number where that is None.
    """
    feed = _Feed(body, width)
    group: list[list[str]] = []
    empty = 0
    try:
        for line in csv.reader(feed, strict=True):
            if not line:
                empty += 1
            elif (width or len(line)) > 1:
                group.append(line)
            else:
                while empty > _EMPTY_TOGETHER:
                    yield [*group, *[[""]] * _EMPTY_TOGETHER]
                    group = []
                    empty -= _EMPTY_TOGETHER
                group += [*[[""]] * empty, line]
                empty = 0
            if feed.since >= SLICE:
                feed.since = 0
                yield group
                group = []
    except csv.Error as error:
        raise MalformedError("CSV", str(error)) from None
    yield group


class _Feed:
    """The lines of a text, decoded a part at a time; `since` counts the characters that were taken."""

    def __init__(self, body: bytes, width: int | None) -> None:
        self._body = body
        self._width = width
        self._at = 3 if body.startswith(b"\xef\xbb\xbf") else 0
        self._lines: Iterator[str] = iter(())
        self.since = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = next(self._lines, "")
        while not line and self._at < len(self._body):
            self._lines = iter(io.StringIO(self._part(), newline=""))
            line = next(self._lines, "")
        if not line:
            raise StopIteration
        self.since += len(line)
        return line

    def _part(self) -> str:
        start = self._at
        self._at = _line_end(self._body, start + SLICE)
        if self._at - start > _LONG_LINE:
            ends = [self._body.rfind(one, start, start + SLICE) for one in (b"\n", b"\r")]
            self._check(self._body[max(*ends, start - 1) + 1 : self._at])
        try:
            return self._body[start : self._at].decode()
        except UnicodeDecodeError as error:
            place = start + error.start
            raise MalformedError("CSV in UTF-8", f"byte {place} is not UTF-8", position=place) from None

    def _check(self, line: bytes) -> None:
        """Refuse lines that would take long to split, for nothing."""
        values = line.count(b",") + 1
        too_many = self._width is not None and values > self._width
        if b'"' in line or too_many or len(line) > values * _LONG_VALUE:
            wanted = f"lines of at most {_LONG_LINE} bytes, or of {self._width or 'any number of'} plain values"
            raise FormError(wanted, f"one of {len(line)} bytes and {values} values")


def _line_end(body: bytes, place: int) -> int:
    """Find where the line ends that has a place, as far as is needed: lines may end with one, the other, or both."""
    for stop in (place + _LONG_LINE, len(body)):
        ends = [end for end in (body.find(b"\n", place, stop), body.find(b"\r", place, stop)) if end >= 0]
        if ends:
            end = min(ends)
            return end + (2 if body[end : end + 2] == b"\r\n" else 1)
    return len(body)


def numbers(cells: list[str], column: Column) -> list[Any] | None:
    """Turn the texts of many cells into numbers at once; None where they are not all decimal numbers."""
    if not column.kind.startswith("float") or not _PLAIN.fullmatch(",".join(cells)):
        return None
    try:
        return list(map(float, cells))
    except ValueError:
        return None


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
