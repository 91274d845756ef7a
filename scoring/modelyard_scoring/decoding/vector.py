"""Arrays of one type: telling which value of an array is not one, all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_scoring.decoding.column import MISSING_TIME, Column
from modelyard_scoring.errors import ValueRefusedError
from modelyard_scoring.formats.values import MISSING_TEXT, Values

_SOURCES = {"bool": "b", "string": "UO", "datetime": "M"}
_UNITS = {"D": 86400 * 10**9, "h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}
_TIMES = 2**63 - 1
Mask = NDArray[np.bool_]


def cast(column: Column, values: Values, name: str | int | None) -> NDArray[Any]:
    """Make the array that a model takes of one that was sent, by the rules that values in JSON have.

    Whole numbers are not taken from floats, nor numbers from truth or texts. NaN and the time NaT are null.

    Parameters
    ----------
    name
        The column; None takes the position in the row, where rows have several values.

    Raises
    ------
    ValueRefusedError
        If a value is not of the column's type; the text names the first.
    """
    array = values.array
    if values.missing is None and _is_sound(column, array):
        return array
    if not _meant(column.kind, array.dtype):
        raise _refused(column, values, 0, name, f"a value of the type {str(array.dtype)[:60]}")
    missing = _missing(values)
    outside = _outside(column, array)
    if missing is not None:
        outside = (outside & ~missing) if column.nullable else (outside | missing)
    if outside.any():
        raise _refused(column, values, int(outside.reshape(-1).argmax()), name, None)
    made = _made(column, array)
    if missing is not None and missing.any():
        made[missing] = {"string": MISSING_TEXT, "datetime": MISSING_TIME}.get(column.kind, np.nan)
    return made


def _is_sound(column: Column, array: NDArray[Any]) -> bool:
    """Tell quickly, of the usual case, that the model takes the array as it is."""
    if array.dtype.kind != "f" or not array.dtype == column.dtype == column.kind:
        return False
    return int(np.count_nonzero(np.isfinite(array))) == array.size


def _meant(kind: str, dtype: np.dtype[Any]) -> bool:
    """Tell whether values of a type can mean the same as values of the kind."""
    if dtype.kind == "M":
        return kind == "datetime" and np.datetime_data(dtype)[0] in _UNITS
    sources = _SOURCES.get(kind, "fiu" if kind.startswith("float") else "iu")
    return dtype.kind in sources and (dtype.kind != "f" or dtype.itemsize <= 8)


def _missing(values: Values) -> Mask | None:
    array = values.array
    if array.dtype.kind == "f":
        found: Mask = np.isnan(array)
    elif array.dtype.kind == "M":
        found = np.isnat(array)
    else:
        return values.missing
    return found if values.missing is None else found | values.missing


def _outside(column: Column, array: NDArray[Any]) -> Mask:
    """Tell which values are none of the column's, whatever is missing."""
    if column.kind == "string":
        return _no_texts(array)
    if column.kind == "datetime":
        limit = _TIMES // _factor(array.dtype)
        counts = _counts(array)
        return np.asarray((counts > limit) | (counts < -limit))
    if column.range is None:
        return np.zeros(array.shape, bool)
    low, high = column.range
    if array.dtype.kind == "f" and float(np.finfo(array.dtype).max) <= high:
        return np.asarray(~np.isfinite(array))
    if array.dtype.kind == "f" or isinstance(high, float):
        return np.asarray(~((array >= np.float64(low)) & (array <= np.float64(high))))
    return np.asarray((array < low) | (array > high))


def _no_texts(array: NDArray[Any]) -> Mask:
    """Tell which texts hold what is no character, or are the one that stands for null."""
    if array.dtype.kind == "O":
        return np.asarray(array == MISSING_TEXT, dtype=bool)
    width = array.dtype.itemsize // 4
    codes = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))).view(np.uint32)
    codes = codes.reshape(*array.shape, width)
    wrong = (codes > 0x10FFFF) | ((codes >= 0xD800) & (codes <= 0xDFFF))
    alone = (codes[..., 0] == ord(MISSING_TEXT)) & ~codes[..., 1:].any(axis=-1)
    return np.asarray(wrong.any(axis=-1) | alone)


def _made(column: Column, array: NDArray[Any]) -> NDArray[Any]:
    if column.kind == "datetime":
        return _counts(array) * _factor(array.dtype)
    return array.astype(column.dtype)


def _counts(array: NDArray[Any]) -> NDArray[np.int64]:
    return array.astype(array.dtype.newbyteorder("=")).view(np.int64)


def _factor(dtype: np.dtype[Any]) -> int:
    unit, count = np.datetime_data(dtype)
    return _UNITS[unit] * count


def _refused(column: Column, values: Values, place: int, name: str | int | None, got: str | None) -> ValueRefusedError:
    array = values.array
    width = array.size // len(array)
    if name is None and array.ndim > 1:
        name = place % width
    if got is None:
        null = values.missing is not None and values.missing.reshape(-1)[place]
        got = "null" if null else _described(array.reshape(-1)[place : place + 1])
    return ValueRefusedError(place // width, name, column.wanted, got)


def _described(one: NDArray[Any]) -> str:
    if one.dtype.kind in "OU":
        try:
            return f"the text {str(one[0])[:60]!r}"
        except (ValueError, SystemError):  # code points that Python does not have either
            return "a text of what are no characters"
    return f"{'the time' if one.dtype.kind == 'M' else 'the number'} {str(one[0])[:60]}"
