"""Documents with arrays as JSON, a part at a time: other threads wait while a part is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

AT_ONCE: Final = 2**17
"""Values that are written at once, in some milliseconds."""


def plain(array: NDArray[Any]) -> Any:
    """Give an array as `write` takes it."""
    if array.dtype.kind in "OUS" or array.ndim == 0:
        return array.tolist()
    return np.ascontiguousarray(array)


def write(document: Any, size: int) -> bytes:
    """Write a document with `size` values in its arrays and lists; those that are not finite become null."""
    return _whole(document) if size <= AT_ONCE else b"".join(_parts(document))


def _whole(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        for place, (name, one) in enumerate(value.items()):
            yield b"%b%b:" % (b"," if place else b"{", orjson.dumps(name))
            yield from _parts(one)
        yield b"}"
    elif isinstance(value, list | np.ndarray) and len(value):
        step = _items_at_once(value)
        for start in range(0, len(value), max(step, 1)):
            yield b"," if start else b"["
            if step:
                yield _whole(value[start : start + step])[1:-1]
            else:
                yield from _parts(value[start])
        yield b"]"
    else:
        yield _whole(value)


def _items_at_once(value: list[Any] | NDArray[Any]) -> int:
    """Tell how many items of a list or array are written at once; 0 where one is too large for that."""
    if isinstance(value, list):
        return 0 if isinstance(value[0], dict | list) else AT_ONCE
    return AT_ONCE * len(value) // max(value.size, 1)
