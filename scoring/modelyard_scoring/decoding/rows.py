"""The rows of one request."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.answers import Answer
from modelyard_scoring.decoding.joined import RowText
from modelyard_scoring.formats.values import Arrays

Part = list[Any] | NDArray[Any]
Write = Callable[[Mapping[str, NDArray[Any]]], Answer]


class Rows(Struct, frozen=True):
    """Values that were checked: of many requests they are joined before the model runs.

    Parameters
    ----------
    count
        How many rows there are.
    parts
        For each input of the model a list with an item for each row, or an array of the model's own type whose first
        axis is the rows.
    write
        Makes the answer of the model's outputs for these rows; by default they are written as a JSON object.
    """

    count: int
    parts: tuple[Part, ...]
    write: Write | None = None


def sizes_of(rows: Rows) -> tuple[tuple[int, ...], ...]:
    """Give the sizes of a row in each part: rows of other sizes have no place in the same array."""
    return tuple([part.shape[1:] if isinstance(part, np.ndarray) else tuple(_nesting(part[0])) for part in rows.parts])


def _nesting(value: Any) -> Iterator[int]:
    while isinstance(value, list):
        yield len(value)
        value = value[0]


def other_row(rows: Rows) -> Rows:
    """Make one row of the same types, whose numbers are others than those of the first row."""
    return Rows(1, tuple(_other(part) for part in rows.parts))


def _other(part: Part) -> Part:
    if isinstance(part, np.ndarray):
        return np.array([_moved(part[0].tolist())], part.dtype)
    return [_moved(part[0])]


def _moved(value: Any) -> Any:
    if isinstance(value, list):
        return [_moved(one) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return value - 1 if value > 0 else value + 1


class Form(Protocol):
    """How requests carry rows: an array, a frame, or tensors."""

    @property
    def put_off(self) -> Callable[[bytes], RowText | None]:
        """Gives a JSON body as it is, if `read` can probably read it together with others."""
        ...

    def read(self, rows: Sequence[RowText]) -> NDArray[Any] | None:
        """Make the only array of bodies that were put off; None where they have to be read one by one."""
        ...

    def from_json(self, body: bytes) -> Rows:
        """Read a JSON body; raise a `RequestError` that says what is wrong with it."""
        ...

    def from_large_json(self, body: bytes) -> Generator[None, None, Rows]:
        """Read a JSON body in steps; raise a `RequestError` that says what is wrong with it."""
        ...

    def from_csv(self, body: bytes, *, header: bool = False) -> Rows:
        """Read a CSV body, which is said to have a header; raise a `RequestError` that says what is wrong with it."""
        ...

    def from_large_csv(self, body: bytes, *, header: bool = False) -> Generator[None, None, Rows]:
        """Read a CSV body in steps; raise a `RequestError` that says what is wrong with it."""
        ...

    def from_arrays(self, arrays: Arrays) -> Rows:
        """Take rows from arrays by their names; raise a `RequestError` that says what is wrong with them."""
        ...
