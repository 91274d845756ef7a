"""The rows of one request."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct


class Rows(Struct, frozen=True):
    """Values that were checked, as lists: of many requests they are joined before an array is made.

    Parameters
    ----------
    count
        How many rows there are.
    parts
        For each input of the model one list, with an item for each row.
    """

    count: int
    parts: tuple[list[Any], ...]


def other_row(rows: Rows) -> Rows:
    """Make one row of the same types, whose numbers are others than those of the first row."""
    return Rows(1, tuple([_moved(part[0])] for part in rows.parts))


def _moved(value: Any) -> Any:
    if isinstance(value, list):
        return [_moved(one) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return value - 1 if value > 0 else value + 1


class Form(Protocol):
    """How requests carry rows: an array, or a frame."""

    def from_json(self, body: bytes) -> Rows:
        """Read a JSON body; raise a `RequestError` that says what is wrong with it."""
        ...

    def from_csv(self, body: bytes) -> Rows:
        """Read a CSV body; raise a `RequestError` that says what is wrong with it."""
        ...
