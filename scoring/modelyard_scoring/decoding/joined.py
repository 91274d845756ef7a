"""Bodies that hold one row of numbers: put off until the model runs, and then read together as one JSON text.

Reading a short JSON text costs more around it than in it. The bodies ``{"data": [[1, 2]]}`` and ``{"data": [[3, 4]]}``
are read as ``[[1, 2],[3, 4]]``, by simdjson, straight into an array. That can mix nothing up: where the text is JSON,
and has no other opening brackets than ours, each row lies between its own brackets, and its length is looked at.
Where anything is otherwise each body is read by itself, and its own error is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import simdjson
from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.document import WRAPPERS

_MAX_BYTES = 1 << 16
_OPENINGS = {b"": b"]]"} | {f'{{"{name}":{space}'.encode(): b"]]}" for name in WRAPPERS for space in ("", " ")}
"""What comes before the brackets, and with what the body then ends."""


class RowText(Struct, frozen=True):
    """A body that holds one row, and the part of it between the brackets."""

    body: bytes
    values: bytes
    count: int = 1
    write: None = None


class RowTexts:
    """Reads rows of `width` numbers of a column's type."""

    def __init__(self, column: Column, width: int) -> None:
        self._column = column
        self._width = width
        self._kind, self._dtype = _buffer_kind(column)

    @classmethod
    def of(cls, column: Column, sizes: Sequence[int | None]) -> Self | None:
        """Make what reads rows of these sizes; None where they are not flat, or not of numbers."""
        width = sizes[0] if len(sizes) == 1 else None
        return None if width is None or column.range is None else cls(column, width)

    def find(self, body: bytes) -> RowText | None:
        """Tell whether a body looks like one row."""
        start = body.find(b"[[", 0, 20)
        end = _OPENINGS.get(body[:start])
        if start < 0 or end is None or len(body) > _MAX_BYTES or not body.endswith(end):
            return None
        if body.find(b"[", start + 2) >= 0:
            return None
        return RowText(body, body[start + 2 : -len(end)])

    def read(self, rows: Sequence[RowText]) -> NDArray[Any] | None:
        """Make the array ``(n_rows, width)``; None where at least one row is not what it looks like."""
        text = b"[[%b]]" % b"],[".join([row.values for row in rows])  # `find` has seen that no bracket opens in them
        try:
            array = simdjson.Parser().parse(text)
            if {len(row) for row in array} != {self._width}:  # type: ignore[union-attr, arg-type]
                return None
            numbers = np.frombuffer(array.as_buffer(of_type=self._kind), dtype=self._dtype)  # type: ignore[union-attr]
        except (ValueError, TypeError, RuntimeError):  # the last: whole numbers beyond 64 bits
            return None
        if len(numbers) != len(rows) * self._width or not self._column.holds(numbers):
            return None
        return numbers.astype(self._column.dtype, copy=False).reshape(len(rows), self._width)


def _buffer_kind(column: Column) -> tuple[Literal["d", "i", "u"], str]:
    if column.kind.startswith("float"):
        return "d", "f8"
    return ("u", "u8") if column.kind == "uint64" else ("i", "i8")
