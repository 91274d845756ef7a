"""Values of one type: telling which value of a list is not one, and making arrays of those that are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_scoring.errors import ValueRefusedError
from modelyard_scoring.formats.values import MISSING_TEXT
from modelyard_scoring.service.signature import Type

# the largest numbers that are rounded to the largest of the type; above them lies half a step, and then infinity
_FLOATS: dict[str, float] = {
    "float16": float(np.nextafter(65520.0, 0)),
    "float32": float(np.nextafter(2.0**128 - 2.0**103, 0)),
    "float64": float(np.finfo(np.float64).max),
}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NANOSECONDS = 2**63 - 1
MISSING_TIME = -(2**63)
_STRETCH = 1000  # values that are checked together while one is looked for that is not taken


class Column:
    """The values that a field takes.

    Parameters
    ----------
    kind
        The field's type.
    nullable
        Whether None is taken.
    dtype
        The NumPy type that the model takes; where it holds less than `kind`, only what it holds is taken.
    """

    def __init__(self, kind: Type, dtype: np.dtype[Any], *, nullable: bool) -> None:
        self.kind = kind
        self.dtype = dtype
        self.nullable = nullable
        self.range = _range(kind, dtype)
        self.wanted = _wanted(kind, self.range) + (" or null" if nullable else "")
        self._python = _python_types(kind) | ({NoneType} if nullable else set())

    def check(self, values: Sequence[Any], first_row: int, name: str | int | None) -> None:
        """Accept `values`, one for each row from `first_row` on.

        Raises
        ------
        ValueRefusedError
            If one is not of the type; the text names the first such row, and the column `name`.
        """
        if self.takes(values):
            return
        for start in range(0, len(values), _STRETCH):
            stretch = values[start : start + _STRETCH]
            for row, value in enumerate(() if self.takes(stretch) else stretch, first_row + start):
                if not self.takes([value]):
                    raise ValueRefusedError(row, name, self.wanted, describe(value))

    def array(self, values: Sequence[Any]) -> NDArray[Any]:
        """Make an array of values that `check` accepted."""
        if self.kind == "datetime":
            values = _each(values, lambda value: MISSING_TIME if value is None else nanoseconds(value))
        elif self.kind == "string" and self.nullable:
            values = _each(values, lambda value: MISSING_TEXT if value is None else value)
        return np.array(values, dtype=self.dtype)

    def holds(self, numbers: NDArray[Any]) -> bool:
        """Tell whether all numbers of an array, which has some, are in range."""
        if self.range is None:
            return True
        low, high = self.range
        flat = numbers.reshape(-1)
        # as `min` and `max` do, without what they do before
        return bool(low <= np.minimum.reduce(flat) and np.maximum.reduce(flat) <= high)

    def takes(self, values: Sequence[Any]) -> bool:
        """Tell whether all values are of the type."""
        if not set(map(type, values)) <= self._python:
            return False
        present = [value for value in values if value is not None] if self.nullable else values
        if self.kind == "string":
            return MISSING_TEXT not in present
        if self.kind == "datetime":
            return all(nanoseconds(value) is not None for value in present)
        if self.range is None or not present:
            return True
        low, high = self.range
        return bool(low <= min(present) and max(present) <= high)


def describe(value: Any) -> str:
    """Say what a JSON value is, in a few words."""
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    # whole numbers beyond 64 bits are read as floats
    about = "about " if isinstance(value, float) and abs(value) >= 2.0**63 else ""
    return f"the number {about}{value!r}"


def nanoseconds(text: str) -> int | None:
    """Turn ISO 8601 into nanoseconds since 1970 UTC; None when it is not, or out of range (1677 to 2262).

    A time without a zone is taken as UTC. Digits beyond microseconds are dropped.
    """
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=dt.UTC)
    count = (time - _EPOCH) // dt.timedelta(microseconds=1) * 1000
    return count if abs(count) <= _NANOSECONDS else None


def _each(values: Sequence[Any], change: Callable[[Any], Any]) -> list[Any]:
    return [_each(value, change) if isinstance(value, list) else change(value) for value in values]


def _python_types(kind: Type) -> set[type]:
    if kind == "bool":
        return {bool}
    if kind in {"string", "datetime"}:
        return {str}
    return {int, float} if kind in _FLOATS else {int}


def _range(kind: Type, dtype: np.dtype[Any]) -> tuple[float, float] | None:
    """Give the smallest and largest number that `kind` and `dtype` both hold, whole numbers exactly."""
    if kind in _FLOATS:
        top = min(_FLOATS[kind], _FLOATS[dtype.name])
        return -top, top
    if not kind.startswith(("int", "uint")):
        return None
    low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    if dtype.kind == "f":
        exact = 2 ** (np.finfo(dtype).nmant + 1)
        low, high = max(low, -exact), min(high, exact)
    return low, high


def _wanted(kind: Type, bounds: tuple[float, float] | None) -> str:
    if bounds is None:
        return {"bool": "true or false", "string": "a text", "datetime": "a time in ISO 8601, 1677 to 2262"}[kind]
    if kind not in _FLOATS:
        return f"a whole number from {bounds[0]} to {bounds[1]}"
    if bounds[1] == _FLOATS["float64"]:
        return "a number"
    # the largest of the type, and not the larger ones that are rounded to it, which would look like those that are not
    held = next(name for name, top in _FLOATS.items() if top == bounds[1])
    return f"a number up to {np.finfo(held).max:.5g}"
