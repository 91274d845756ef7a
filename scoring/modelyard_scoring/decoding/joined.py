"""Bodies that hold rows of numbers: put off until the model runs, and then read together as one JSON text.

Reading a short JSON text costs more around it than in it, and lists of numbers cost more than the array that is made
of them. The bodies ``{"data": [[1, 2]]}`` and ``{"data": [[3, 4], [5, 6]]}`` are read as ``[[1, 2],[3, 4], [5, 6]]``,
by simdjson, straight into an array. That can mix nothing up. A body is said to have as many rows as brackets open in
it after the first. Where the whole text is JSON and has as many rows as all its bodies are said to have, each bracket
but the first opens a row, so that no row lies within another; and a row that is open at the end of its body can only
be closed by the bracket that is put there. The length of each row is looked at. Where anything is otherwise each body
is read by itself, and its own error is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

import numpy as np
import simdjson
from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.decoding.column import Column
from modelyard_scoring.service.signature import WRAPPERS

_MAX_BYTES = 1 << 18
_GROUP = 1 << 16  # bytes of text that are read together
_OPENINGS = {b"": b"]]"} | {f'{{"{name}":{space}'.encode(): b"]]}" for name in WRAPPERS for space in ("", " ")}
"""What comes before the brackets, and with what the body then ends."""


class RowText(Struct, frozen=True):
    """A body that seems to hold `count` rows, and the part of it between the outer brackets."""

    body: bytes
    values: bytes
    count: int = 1
    write: None = None


class RowTexts:
    """Reads rows of `width` numbers of a column's type."""

    def __init__(self, column: Column, width: int, max_rows: int) -> None:
        self._column = column
        self._max_rows = max_rows
        self._width = width
        self._kind, self._dtype = _buffer_kind(column)
        self._parser = simdjson.Parser()

    @classmethod
    def of(cls, column: Column, sizes: Sequence[int | None], max_rows: int) -> Self | None:
        """Make what reads rows of these sizes; None where they are not flat, or not of numbers."""
        width = sizes[0] if len(sizes) == 1 else None
        return None if width is None or column.range is None else cls(column, width, max_rows)

    def find(self, body: bytes) -> RowText | None:
        """Tell whether a body looks like rows, one or as many as there may be."""
        start = body.find(b"[[", 0, 20)
        end = _OPENINGS.get(body[:start])
        if start < 0 or end is None or len(body) > _MAX_BYTES or not body.endswith(end):
            return None
        count = body.count(b"[") - 1
        return RowText(body, body[start + 2 : -len(end)], count) if count <= self._max_rows else None

    def read(self, rows: Sequence[RowText]) -> NDArray[Any] | None:
        """Make the array ``(n_rows, width)``; None where at least one body is not what it looks like."""
        array = np.empty((sum([row.count for row in rows]), self._width), self._column.dtype)
        end = 0
        for group in _groups(rows):
            start, end = end, end + sum([row.count for row in group])
            if not self._fill(array[start:end], group):
                return None
        return array

    def _fill(self, array: NDArray[Any], rows: Sequence[RowText]) -> bool:
        """Read rows into an array; tell whether they are what they look like."""
        text = b"[[%b]]" % b"],[".join([row.values for row in rows])
        try:
            found = self._parser.parse(text)
            if len(found) != len(array) or {len(row) for row in found} != {self._width}:  # type: ignore[union-attr, arg-type]
                return False
            numbers = np.frombuffer(found.as_buffer(of_type=self._kind), dtype=self._dtype)  # type: ignore[union-attr]
        except (ValueError, TypeError, RuntimeError):  # the last: whole numbers beyond 64 bits
            self._parser = simdjson.Parser()  # it refuses to be used again while the error holds on to what it read
            return False
        if len(numbers) != array.size or not self._column.holds(numbers):
            return False
        array[:] = numbers.reshape(array.shape)
        return True


def _groups(rows: Sequence[RowText]) -> Iterator[Sequence[RowText]]:
    """Cut rows into groups whose texts the processor's caches hold, with all that is made of them."""
    start = size = 0
    for end, row in enumerate(rows):
        size += len(row.values)
        if size > _GROUP and end > start:
            yield rows[start:end]
            start, size = end, len(row.values)
    yield rows[start:]


def nothing_put_off(_body: bytes) -> None:
    """Put nothing off: rows of this form are read one request after the other."""


def _buffer_kind(column: Column) -> tuple[Literal["d", "i", "u"], str]:
    if column.kind.startswith("float"):
        return "d", "f8"
    return ("u", "u8") if column.kind == "uint64" else ("i", "i8")
