"""Values of JSON as arrays and data frames of given types, or errors that say which value is not one.

NumPy and pandas convert what they can: 1.7 becomes 1, "7" becomes 7, and what is too large another number. A model
would answer for values that nobody sent.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct

from modelyard_scoring.decoding.column import Column, describe

_NOTHING = type(None)
_EXACT = 2.0**53
"""Whole numbers from here on may have been others before they became floats."""


class _Kind(Struct, frozen=True):
    """What values of a type are in JSON.

    Parameters
    ----------
    types
        The Python types that they have there.
    holds
        Whether one of these types is a value; None where all are.
    """

    wanted: str
    types: frozenset[type]
    holds: Callable[[Any], bool] | None = None


def array(values: list[Any], dtype: np.dtype[Any] | None) -> np.ndarray[Any, Any]:
    """Make an array of nested lists; without a type NumPy finds one.

    Raises
    ------
    ValueError
        If a value is not of the type, or lists have several lengths; the text says where.
    """
    if dtype is not None and dtype.names:
        return _structured(values, dtype)
    kind = None if dtype is None else _kind(dtype)
    _check(values, kind, "")
    if dtype is None or dtype.kind not in "US":
        return np.array(values, dtype)
    # longer than those of the sample they must not be cut off
    texts = np.array(values, dtype.kind)
    return texts.astype(dtype) if texts.itemsize <= dtype.itemsize else texts


def column(values: Any, dtype: Any) -> Any:
    """Give a column of a data frame the type `dtype`; null is taken where the type has a missing value.

    Raises
    ------
    ValueError
        If a value is not of the type; the text says in which row.
    """
    import pandas as pd

    name = str(dtype)
    if values.dtype == dtype:
        return values
    _check_column(values, dtype)
    if name.startswith("timedelta"):
        return pd.to_timedelta(values).astype(dtype)
    if name.startswith("datetime"):
        return pd.to_datetime(values, utc=getattr(dtype, "tz", None) is not None).astype(dtype)
    return values.astype(dtype)


def frame(given: Any, orient: str, names: Any) -> Any:
    """Make a data frame of what JSON holds of it, with numbers as they were sent.

    Parameters
    ----------
    orient
        As ``pandas.read_json`` has it.
    names
        The columns that are wanted: JSON has only texts for names.
    """
    import pandas as pd

    if orient == "table":
        return pd.read_json(io.StringIO(json.dumps(given)), orient="table", precise_float=True)
    if orient == "split":
        if not isinstance(given, dict) or not {"columns", "data"} <= set(given) <= {"columns", "index", "data"}:
            raise ValueError('wanted an object with "columns", "data" and perhaps "index"')
        made = pd.DataFrame(given["data"], given.get("index"), given["columns"])
    else:
        made = pd.DataFrame.from_dict(given, orient="index") if orient == "index" else pd.DataFrame(given)
    if orient in {"index", "columns"}:
        made.index = _labels(made.index)
    meant = {str(name): name for name in names}
    made.columns = [meant.get(str(name), name) for name in made.columns]
    return made


def _labels(index: Any) -> Any:
    """Make numbers of labels that are all digits, which names in JSON cannot be."""
    return index.astype("int64") if all(len(label) < 19 and label.isdecimal() for label in index) else index


def _check_column(values: Any, dtype: Any) -> None:
    kind = _kind(dtype)
    if kind is None or values.dtype.kind in "mM":  # the orient "table" has made times of times
        return
    nullable = dtype.kind not in "iub" or not isinstance(dtype, np.dtype)
    for row, value in enumerate(values.tolist()):
        missing = value is None or value != value  # noqa: PLR0124 - pandas has made NaN of null
        if not (nullable if missing else _fits(value, kind)):
            got = "null" if missing else describe(value)
            raise ValueError(f"wanted {kind.wanted} in row {row} of the column {values.name!r}, got {got}")


def _structured(rows: list[Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    names = dtype.names or ()
    plain = [[row[name] for name in names] if isinstance(row, dict) else row for row in rows]
    for place, row in enumerate(plain):
        if not isinstance(row, list) or len(row) != len(names):
            raise ValueError(f"at [{place}]: wanted {len(names)} values, got {describe(row)}")
    made = np.empty(len(rows), dtype)
    for place, name in enumerate(names):
        made[name] = array([row[place] for row in plain], dtype[name])
    return made


def _check(values: list[Any], kind: _Kind | None, place: str) -> None:
    """Look at each value, and whether lists beside one another have one length."""
    if list in map(type, values):
        size = len(values[0]) if isinstance(values[0], list) else -1
        for at, one in enumerate(values):
            if not isinstance(one, list) or len(one) != size:
                wanted = f"a list of {size}" if size >= 0 else "no list, as before it"
                raise ValueError(f"at {place}[{at}]: wanted {wanted}, got {describe(one)}")
            _check(one, kind, f"{place}[{at}]")
        return
    if kind is None or (kind.holds is None and kind.types.issuperset(map(type, values))):
        return
    for at, one in enumerate(values):
        if not _fits(one, kind):
            raise ValueError(f"at {place}[{at}]: wanted {kind.wanted}, got {describe(one)}")


def _fits(value: Any, kind: _Kind) -> bool:
    return type(value) in kind.types and (kind.holds is None or kind.holds(value))


def _kind(dtype: Any) -> _Kind | None:
    """Say what values of a type of NumPy or pandas are; None for those of objects, and others that take anything."""
    plain = getattr(dtype, "numpy_dtype", dtype)
    if plain.kind in "iu":
        low, high = int(np.iinfo(plain).min), int(np.iinfo(plain).max)
        wanted = f"a whole number from {low} to {high}"
        return _Kind(wanted, frozenset([int, float]), lambda one: low <= one <= high and _is_whole(one))
    if plain.kind == "f":
        bounds = Column(plain.name, plain, nullable=False).range if plain.itemsize < 8 else None
        is_held = None if bounds is None else lambda one: one is None or bounds[0] <= one <= bounds[1]
        return _Kind(f"a number that {plain.name} holds", frozenset([int, float, _NOTHING]), is_held)
    if plain.kind == "b":
        return _Kind("true or false", frozenset([bool]))
    texts = {"U": "a text", "S": "a text", "M": "a time as text", "m": "a duration as text"}
    name = str(dtype)
    wanted = "a text" if name in {"str", "string"} else texts.get(plain.kind, "")
    return _Kind(wanted, frozenset([str])) if wanted else None


def _is_whole(number: float) -> bool:
    return type(number) is int or (number == int(number) and abs(number) < _EXACT)
