"""Requests for models that take named columns: records, ``{"columns": ..., "data": ...}``, CSV with a header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import Any

from modelyard_scoring.decoding import csv, document
from modelyard_scoring.decoding.column import Column, describe
from modelyard_scoring.decoding.joined import RowText
from modelyard_scoring.decoding.records import Records
from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.decoding.vector import cast
from modelyard_scoring.errors import (
    FormError,
    MissingColumnError,
    RaggedRowError,
    RowCountError,
    TooManyRowsError,
    UnknownColumnError,
)
from modelyard_scoring.formats.values import Arrays, Values

_WANTED = (
    'records [{"column": value, ...}, ...] or {"columns": [...], "data": [[...], ...]}, '
    'bare or as "data", "input_data" or "instances"'
)


class FrameForm:
    """Reads rows with named columns; columns are matched by name, in any order."""

    def __init__(self, columns: Mapping[str, Column], max_rows: int) -> None:
        self._columns = dict(columns)
        self._names = list(self._columns)
        self._max_rows = max_rows
        self._records = Records.of(self._columns)

    def put_off(self, body: bytes) -> None:
        """Put nothing off: columns are matched by name in each body."""

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

    def from_csv(self, body: bytes) -> Rows:
        """Read a header of names and lines of values."""
        lines = csv.lines(body)
        if not lines:
            raise RowCountError
        order = self._order(lines[0])
        self._count(lines[1:])
        rows = [self._in_order(order, row, line) for row, line in enumerate(lines[1:])]
        columns = list(self._columns.items())
        typed = [
            [csv.value(text, column, row, name) for text, (name, column) in zip(cells, columns, strict=True)]
            for row, cells in enumerate(rows)
        ]
        return self._transposed(typed)

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
        names, data = content.get("columns"), content.get("data")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise FormError('a list of names as "columns"', describe(names))
        if not isinstance(data, list):
            raise FormError('a list of rows as "data"', describe(data))
        index = content.get("index", data)
        if not isinstance(index, list) or len(index) != len(data):
            raise FormError(f'a list of {len(data)} as "index"', describe(index))
        order = self._order(names)
        self._count(data)
        return self._transposed([self._in_order(order, row, item) for row, item in enumerate(data)])

    def _record(self, row: int, item: Any) -> list[Any]:
        if not isinstance(item, dict):
            raise FormError(f'{_WANTED}; an object {{"column": value}} as row {row}', describe(item), row=row)
        try:
            values = [item[name] for name in self._names]
        except KeyError as error:
            raise MissingColumnError(error.args[0], row) from None
        if len(item) > len(values):
            extra = next(name for name in item if name not in self._columns)
            raise UnknownColumnError(extra, self._names, row)
        return values

    def _order(self, names: Sequence[str]) -> list[int]:
        """Where each of the model's columns is among `names`."""
        for position, name in enumerate(names):
            if name not in self._columns or name in names[:position]:
                raise UnknownColumnError(name, self._names)
        for name in self._names:
            if name not in names:
                raise MissingColumnError(name)
        return [names.index(name) for name in self._names]

    def _in_order(self, order: Sequence[int], row: int, item: Any) -> list[Any]:
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
