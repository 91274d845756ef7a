"""Requests for models that take named columns: records, ``{"columns": ..., "data": ...}``, CSV with a header."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence, Sized
from typing import Any

import msgspec
from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.decoding import csv, document, large
from modelyard_scoring.decoding.column import Column, describe
from modelyard_scoring.decoding.joined import RowText, nothing_put_off
from modelyard_scoring.decoding.names import places, record_values
from modelyard_scoring.decoding.outline import LONG, Outline
from modelyard_scoring.decoding.records import Records
from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.decoding.vector import cast
from modelyard_scoring.errors import (
    FormError,
    RaggedRowError,
    RowCountError,
    TooManyRowsError,
    UnknownColumnError,
    ValueRefusedError,
)
from modelyard_scoring.formats.values import Arrays, Values

_WANTED = (
    'records [{"column": value, ...}, ...] or {"columns": [...], "data": [[...], ...]}, '
    'bare or as "data", "input_data" or "instances"'
)

_Single = str | float | int | bool | None


class FrameForm:
    """Reads rows with named columns; columns are matched by name, in any order."""

    def __init__(self, columns: Mapping[str, Column], max_rows: int) -> None:
        self._columns = dict(columns)
        self._names = list(self._columns)
        self._max_rows = max_rows
        self._records = Records.of(self._columns)
        self.put_off = nothing_put_off
        self.close = b"}"

    def read(self, rows: Sequence[RowText]) -> None:
        """Read nothing, since nothing is put off."""

    def from_json(self, body: bytes) -> Rows:
        """Read a JSON body."""
        if self._records is not None and (columns := self._records.read(body)) is not None:
            self._count(columns[0])
            return self._checked(columns)
        content = document.parse(body)
        if not (isinstance(content, dict) and "columns" in content):
            content = document.unwrap(content, _WANTED)
        if isinstance(content, dict):
            return self._from_split(content)
        if not isinstance(content, list):
            raise FormError(_WANTED, describe(content))
        self._count(content)
        return self._transposed([self._record(row, item) for row, item in enumerate(content)])

    def from_large_json(self, body: bytes) -> Generator[None, None, Rows]:
        """Read a JSON body in steps."""
        names = yield from large.top(body)
        span = names.get("columns") or names.get("") or large.only(names, _WANTED)
        if "columns" not in names and body[span[0] : span[0] + 1] == b"{":
            names = yield from large.inner(body, span)
        groups = large.Groups(self, self._max_rows)
        if "columns" in names:
            wanted = 'a list of names as "columns"'
            order = self._order(_texts(large.short(body, names["columns"], wanted), wanted))
            groups = large.Groups(SplitRows(self, order), self._max_rows)
            span = names.get("data", (0, 0))
        outline = Outline(body, span[0])
        if span == (0, 0) or outline.next() != b"[":
            raise FormError(_WANTED, large.kind_at(outline))
        yield from groups.read(outline)
        if "index" in names and "columns" in names:
            yield from large.check_length(body, names, "index", groups.count)
        return groups.rows()

    def read_group(self, text: bytes, start: int, row: int) -> list[NDArray[Any]]:
        """Make arrays of records that are a part of a body."""
        arrays = self.read_quickly(text, row)
        if arrays is None:
            rows = [self._record(number, item) for number, item in enumerate(large.parse_group(text, start), row)]
            arrays = self.arrays([list(values) for values in zip(*rows, strict=True)], row)
        return arrays

    def read_quickly(self, text: bytes, row: int) -> list[NDArray[Any]] | None:
        """Make arrays of records that are a part of a body, if they are right."""
        columns = None if self._records is None else self._records.read(b"[%b]" % text)
        return None if columns is None else self.arrays(columns, row)

    def read_long(self, text: bytes, start: int, row: int) -> Generator[None, None, list[NDArray[Any]]]:
        """Make arrays of one long record: its texts are long, or it is no record of the model's columns."""
        outline = Outline(text)
        for member in outline.members() if outline.next() == b"{" else ():
            yield
            if member is None:
                continue
            name, (begin, end) = member
            if name not in self._columns:
                raise UnknownColumnError(name, self._names, row)
            if end - begin > LONG and text[begin : begin + 1] != b'"':
                raise ValueRefusedError(row, name, self._columns[name].wanted, large.kind_at(Outline(text, begin)))
        return self.read_group(text, start, row)

    def arrays(self, columns: Sequence[list[Any]], row: int) -> list[NDArray[Any]]:
        """Make the arrays of values for each column, from a row on."""
        for (name, column), values in zip(self._columns.items(), columns, strict=True):
            column.check(values, row, name)
        return [column.array(values) for column, values in zip(self._columns.values(), columns, strict=True)]

    def from_csv(self, body: bytes, *, header: bool = True) -> Rows:  # noqa: ARG002 - it always has one
        """Read a header of names and lines of values."""
        lines = csv.lines(body, len(self._names))
        if not lines:
            raise RowCountError
        order = self._order(lines[0])
        self._count(lines[1:])
        return self._checked(self._from_lines(order, lines[1:], 0))

    def from_large_csv(self, body: bytes, *, header: bool = True) -> Generator[None, None, Rows]:  # noqa: ARG002
        """Read a header of names and lines of values in steps."""
        groups, order = large.Groups(self, self._max_rows), None
        for lines in csv.groups(body, len(self._names)):
            rows = lines
            if order is None and lines:
                order, rows = self._order(lines[0]), lines[1:]
            if order is not None and rows:
                groups.add(self.arrays(self._from_lines(order, rows, groups.count), groups.count))
            yield
        return groups.rows()

    def _from_lines(self, order: Sequence[int], lines: Sequence[list[str]], first: int) -> list[list[Any]]:
        rows = [self.in_order(order, row, line) for row, line in enumerate(lines, first)]
        columns = []
        for texts, (name, column) in zip(zip(*rows, strict=True), self._columns.items(), strict=True):
            values = csv.numbers(list(texts), column)
            if values is None:
                values = [csv.value(text, column, row, name) for row, text in enumerate(texts, first)]
            columns.append(values)
        return columns

    def from_arrays(self, arrays: Arrays) -> Rows:
        """Take an array for each column, by its name."""
        if "" in arrays and "" not in self._columns:
            raise FormError("an array for each column, with its name", "one array without a name")
        self._order(list(arrays))
        flat = {name: _column(name, arrays[name]) for name in self._names}
        counts = {len(values.array) for values in flat.values()}
        if len(counts) > 1:
            raise FormError("columns of one length", f"columns of {min(counts)} and of {max(counts)} rows")
        self._count(flat[self._names[0]].array)
        parts = tuple(cast(self._columns[name], values, name) for name, values in flat.items())
        return Rows(counts.pop(), parts)

    def _from_split(self, content: dict[str, Any]) -> Rows:
        names = _texts(content.get("columns"), 'a list of names as "columns"')
        _, data = document.table(content)
        order = self._order(names)
        self._count(data)
        return self._transposed([self.in_order(order, row, item) for row, item in enumerate(data)])

    def _record(self, row: int, item: Any) -> list[Any]:
        return record_values(item, self._columns, row, _WANTED)

    def _order(self, given: Sequence[str]) -> list[int]:
        """Where each of the model's columns is among those that were given."""
        return places(given, self._columns)

    def in_order(self, order: Sequence[int], row: int, item: Any) -> list[Any]:
        """Give the values of a row in the order of the model's columns."""
        if not isinstance(item, list):
            raise FormError(f"a list of {len(order)} values as row {row}", describe(item), row=row)
        if len(item) != len(order):
            raise RaggedRowError(row, len(order), len(item))
        return [item[position] for position in order]

    def _count(self, rows: Sized) -> None:
        if not len(rows):
            raise RowCountError
        if len(rows) > self._max_rows:
            raise TooManyRowsError(len(rows), self._max_rows)

    def _transposed(self, rows: list[list[Any]]) -> Rows:
        return self._checked([list(values) for values in zip(*rows, strict=True)])

    def _checked(self, parts: list[list[Any]]) -> Rows:
        for (name, column), values in zip(self._columns.items(), parts, strict=True):
            column.check(values, 0, name)
        return Rows(len(parts[0]), tuple(parts))


def _column(name: str, values: Values) -> Values:
    """Take an array of one value for each row, ``(n_rows,)`` or ``(n_rows, 1)``."""
    shape = values.array.shape
    if len(shape) not in {1, 2} or shape[1:] not in {(), (1,)}:
        raise FormError(f"one value for each row in the column {name!r}", f"the shape {shape}", column=name)
    missing = None if values.missing is None else values.missing.reshape(-1)
    return Values(array=values.array.reshape(-1), missing=missing)


class SplitRows(Struct, frozen=True):
    """Rows as lists, whose columns are named once."""

    form: FrameForm
    order: list[int]
    close: bytes = b"]"

    def read_quickly(self, text: bytes, row: int) -> list[NDArray[Any]] | None:
        """Make arrays of rows that are a part of a body, if they end where they seem to."""
        try:
            msgspec.json.decode(b"[%b]" % text, type=list[list[_Single]])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return self.read_group(text, 0, row)

    def read_group(self, text: bytes, start: int, row: int) -> list[NDArray[Any]]:
        """Make arrays of rows that are a part of a body."""
        items = enumerate(large.parse_group(text, start), row)
        rows = [self.form.in_order(self.order, number, item) for number, item in items]
        return self.form.arrays([list(values) for values in zip(*rows, strict=True)], row)

    def read_long(self, text: bytes, start: int, row: int) -> Generator[None, None, list[NDArray[Any]]]:
        """Make arrays of one long row, once it is known to have as many values as it should."""
        count, outline = 0, Outline(text)
        for span in outline.groups() if outline.next() == b"[" else ():
            yield
            if span is not None and span[1] - span[0] > LONG and text[span[0] : span[0] + 1] != b'"':
                got = large.kind_at(Outline(text, span[0]))
                raise FormError(f"single values in row {row}", got, row=row)
            count += 0 if span is None else len(large.parse_group(text[span[0] : span[1]], start + span[0]))
        if outline.at and count != len(self.order):
            raise RaggedRowError(row, len(self.order), count)
        return self.read_group(text, start, row)


def _texts(names: Any, wanted: str) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FormError(wanted, describe(names))
    return names
