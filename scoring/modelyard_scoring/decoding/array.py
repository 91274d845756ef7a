"""Requests for models that take one array: ``{"data": [[...], ...]}`` and its like."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence, Sized
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelyard_scoring.decoding import csv, document, large
from modelyard_scoring.decoding.column import Column, describe
from modelyard_scoring.decoding.joined import RowText, RowTexts, nothing_put_off
from modelyard_scoring.decoding.outline import LONG, Outline
from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.decoding.typed import typed, unwrapped, wrapped
from modelyard_scoring.decoding.vector import cast
from modelyard_scoring.errors import FormError, RaggedRowError, RowCountError, TooManyRowsError, ValueRefusedError
from modelyard_scoring.formats.values import Arrays, Values

_WANTED = 'rows as {"data": [[...], ...]}, {"input_data": ...}, {"instances": ...}, {"inputs": ...}, or a bare list'


class ArrayForm:
    """Reads rows of one array.

    A decoder made for the signature takes right requests in one pass; what it does not take is read again,
    slowly, to say what is wrong with it.
    """

    def __init__(self, column: Column, sizes: Sequence[int | None], max_rows: int) -> None:
        self._column = column
        self._sizes = sizes
        self._max_rows = max_rows
        self._decoders = _decoders(column, sizes)
        self._is_free = None in sizes
        self._width = sizes[0] if sizes else 1
        self._texts = RowTexts.of(column, sizes, max_rows)
        self.put_off = nothing_put_off if self._texts is None else self._texts.find
        self.close = b"]"

    def read(self, rows: Sequence[RowText]) -> NDArray[Any] | None:
        """Make one array of bodies that were put off; None where they have to be read one by one."""
        return None if self._texts is None else self._texts.read(rows)

    def from_json(self, body: bytes) -> Rows:
        """Read a JSON body."""
        rows = self._quickly(body)
        if rows is None:
            rows = _found(document.parse(body))
            self._check(rows)
        return self._counted(rows)

    def from_large_json(self, body: bytes) -> Generator[None, None, Rows]:
        """Read a JSON body in steps."""
        groups = large.Groups(self, self._max_rows)
        yield from large.read_rows(body, _WANTED, groups)
        return groups.rows()

    def read_group(self, text: bytes, start: int, row: int) -> list[NDArray[Any]]:
        """Make an array of rows that are a part of a body."""
        arrays = self.read_quickly(text, row)
        if arrays is None:
            rows = large.parse_group(text, start)
            self._check(rows, row)
            arrays = [self._column.array(rows)]
        return arrays

    def read_quickly(self, text: bytes, row: int) -> list[NDArray[Any]] | None:  # noqa: ARG002 - of records it matters
        """Make an array of rows that are a part of a body, if they are right."""
        if self._decoders is None:
            return None
        try:
            array = self._column.array(self._decoders[0].decode(b"[%b]" % text))
        except (msgspec.MsgspecError, ValueError, RecursionError):  # in the array: rows are of several sizes
            return None
        # of texts of several sizes NumPy makes an array of lists
        return [array] if array.ndim == len(self._sizes) + 1 and array.size else None

    def read_long(self, text: bytes, start: int, row: int) -> Generator[None, None, list[NDArray[Any]]]:
        """Make an array of one long row, which is a part of a body."""
        if not self._sizes:
            return self.read_group(text, start, row)
        leaves = yield from self._read_list(Outline(text), start, self._sizes, row)
        shape = [-1 if size is None else size for size in self._sizes]
        return [np.concatenate(leaves).reshape(1, *shape)]

    def _read_list(
        self, outline: Outline, start: int, sizes: Sequence[int | None], row: int
    ) -> Generator[None, None, list[NDArray[Any]]]:
        if outline.next() != b"[":
            raise FormError(f"a list as row {row}", large.kind_at(outline), row=row)
        count, arrays = 0, []
        for span in outline.groups():
            yield
            if span is None:
                continue
            text, place = outline.body[span[0] : span[1]], start + span[0]
            if len(sizes) == 1 and sizes[0] is not None and count > sizes[0]:  # what they are does not matter
                count += text.count(b",") + 1
            elif len(text) > LONG and len(sizes) > 1:
                arrays += yield from self._read_list(Outline(text), place, sizes[1:], row)
                count += 1
            elif len(text) > LONG and text[:1] in {b"[", b"{"}:
                raise ValueRefusedError(row, count, self._column.wanted, large.kind_at(Outline(text)))
            else:
                items = large.parse_group(text, place)
                values = [value for item in items for value in _leaves(item, sizes[1:], row)]
                self._check_row(values, row, count if len(sizes) == 1 else 0)
                arrays.append(self._column.array(values))
                count += len(items)
        if sizes[0] not in {None, count} or not count:
            raise RaggedRowError(row, sizes[0] or 1, count)
        return arrays

    def from_csv(self, body: bytes, *, header: bool = False) -> Rows:
        """Read lines of values, which a header may come before: it has as many names, whatever they are."""
        lines = csv.lines(body, self._width)
        if header:
            self._check_names(lines[0] if lines else [])
        return self._counted(self._from_lines(lines[header:], 0))

    def from_large_csv(self, body: bytes, *, header: bool = False) -> Generator[None, None, Rows]:
        """Read lines of values in steps."""
        groups = large.Groups(self, self._max_rows)
        for lines in csv.groups(body, self._width):
            rows = lines
            if header and lines:
                self._check_names(lines[0])
                rows, header = lines[1:], False
            if rows:
                groups.add([self._column.array(self._from_lines(rows, groups.count))])
            yield
        return groups.rows()

    def _check_names(self, names: Sized) -> None:
        if self._width is not None and names and len(names) != self._width:
            raise FormError(f"{self._width} names", str(len(names)))

    def _from_lines(self, lines: list[list[str]], first: int) -> list[Any]:
        if len(self._sizes) > 1:
            raise FormError("JSON, since the rows are not flat", "CSV")
        rows: list[Any] = [self._from_cells(row, cells) for row, cells in enumerate(lines, first)]
        if not self._sizes:
            rows = [self._only(row, cells) for row, cells in enumerate(rows, first)]
        self._check(rows, first)
        return rows

    def _from_cells(self, row: int, cells: list[str]) -> list[Any]:
        values = csv.numbers(cells, self._column)
        if values is None:
            values = [csv.value(text, self._column, row, position) for position, text in enumerate(cells)]
        return values

    def array(self, rows: Any, first: int, wanted: str) -> NDArray[Any]:
        """Make the array of rows from a number on, whose JSON was read; `wanted` is told of what is no list."""
        if not isinstance(rows, list):
            raise FormError(wanted, describe(rows))
        self._count(rows)
        self._check(rows, first)
        return self._column.array(rows)

    def from_arrays(self, arrays: Arrays) -> Rows:
        """Take one array whose first axis is the rows, or, where rows are flat, an array for each position."""
        values = list(arrays.values())
        if not values:
            raise RowCountError
        if len(values) == 1 and (len(self._sizes) != 1 or values[0].array.ndim > 1):
            return self.from_array(values[0])
        if len(self._sizes) != 1 or any(one.array.ndim != 1 for one in values):
            wanted = self._wanted_array()
            if len(self._sizes) == 1:
                wanted += ", or one of the shape (rows) for each value of a row"
            raise FormError(wanted, " and ".join(f"the shape {one.array.shape}" for one in values[:3]))
        size = self._sizes[0] or len(values)
        self._count(values[0].array)
        if len(values) != size:
            raise RaggedRowError(0, size, len(values))
        if len({len(one.array) for one in values}) > 1:
            raise FormError("columns of one length", "columns of several lengths")
        columns = [cast(self._column, one, position) for position, one in enumerate(values)]
        return Rows(len(columns[0]), (np.column_stack(columns),))

    def from_array(self, values: Values) -> Rows:
        """Take an array whose first axis is the rows."""
        shape = values.array.shape
        if len(shape) != len(self._sizes) + 1:
            raise FormError(self._wanted_array(), f"the shape {shape}")
        self._count(values.array)
        for size, got in zip(self._sizes, shape[1:], strict=True):
            if size not in {None, got}:
                raise RaggedRowError(0, size or 0, got)
        if 0 in shape:
            raise RaggedRowError(0, 1, 0)
        return Rows(shape[0], (cast(self._column, values, None),))

    def _wanted_array(self) -> str:
        sizes = ", ".join(["rows", *("any" if size is None else str(size) for size in self._sizes)])
        return f"one array of the shape ({sizes})"

    def _quickly(self, body: bytes) -> list[Any] | None:
        if self._decoders is None or self._is_free:
            return None
        bare, within = self._decoders
        try:
            if body[:1] == b"[":
                rows: list[Any] = bare.decode(body)
                return rows
            found = within.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if body.count(b'"') > 2:  # more than the one name: it may have come twice
            return None
        return unwrapped(found)

    def _counted(self, rows: list[Any]) -> Rows:
        self._count(rows)
        return Rows(len(rows), (rows,))

    def _count(self, rows: Sized) -> None:
        if not len(rows):
            raise RowCountError
        if len(rows) > self._max_rows:
            raise TooManyRowsError(len(rows), self._max_rows)

    def _check(self, rows: list[Any], first: int = 0) -> None:
        if len(rows) > self._max_rows:
            raise TooManyRowsError(len(rows), self._max_rows)
        sizes = _settled(self._sizes, rows[0]) if rows else self._sizes
        for row, item in enumerate(rows, first):
            values = list(_leaves(item, sizes, row))
            if self._sizes:
                self._check_row(values, row, 0)
            else:
                self._column.check(values, row, None)

    def _check_row(self, values: list[Any], row: int, first: int) -> None:
        if not self._column.takes(values):
            for position, value in enumerate(values, first):
                self._column.check([value], row, position)

    def _only(self, row: int, cells: list[Any]) -> Any:
        if len(cells) != 1:
            raise RaggedRowError(row, 1, len(cells))
        return cells[0]


def _found(content: Any) -> list[Any]:
    """Find the rows in a document: a list, or a table, whose columns have the order of the model's values."""
    if not document.is_table(content):
        content = document.unwrap(content, _WANTED)
    if document.is_table(content):
        names, rows = document.table(content)
        width = len(rows[0]) if rows and isinstance(rows[0], list) else None
        if not isinstance(names, list) or width not in {None, len(names)}:
            raise FormError(f'a list of {width} names as "columns"', describe(names))
        return rows
    if not isinstance(content, list):
        raise FormError(_WANTED, describe(content))
    return content


def _settled(sizes: Sequence[int | None], item: Any) -> Sequence[int | None]:
    """Take the sizes that are not fixed from the first row, since all rows of a request have the same."""
    settled: list[int | None] = []
    for size in sizes:
        if not isinstance(item, list):  # the walk through the row says so
            return sizes
        if size is None and not item:
            raise RaggedRowError(0, 1, 0)
        settled.append(len(item) if size is None else size)
        item = item[0] if item else None
    return settled


def _leaves(item: Any, sizes: Sequence[int | None], row: int) -> Iterator[Any]:
    """Walk through a row, checking that its lists have the sizes of the model's."""
    if not sizes:
        yield item
        return
    if not isinstance(item, list):
        wanted = "a list" if sizes[0] is None else f"a list of {sizes[0]}"
        raise FormError(f"{wanted} as row {row}", describe(item), row=row)
    if sizes[0] is not None and len(item) != sizes[0]:
        raise RaggedRowError(row, sizes[0], len(item))
    for part in item:
        yield from _leaves(part, sizes[1:], row)


def _decoders(
    column: Column, sizes: Sequence[int | None]
) -> tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[Any]] | None:
    """Make decoders of bare and of wrapped rows; None where msgspec cannot express what is allowed."""
    kind = typed(column, sizes)
    if kind is None:
        return None
    rows: Any = list[kind]  # type: ignore[valid-type]
    return msgspec.json.Decoder(rows), msgspec.json.Decoder(wrapped(rows))
