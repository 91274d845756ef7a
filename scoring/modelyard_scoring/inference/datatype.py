"""The protocol's names of element types, and how their elements lie in bytes."""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from modelyard_scoring.errors import FormError
from modelyard_scoring.formats.values import MISSING_TEXT
from modelyard_scoring.service.signature import Type
from modelyard_scoring.turns import SLICE

BYTES: Final = "BYTES"
BOOL: Final = "BOOL"
_SIZES = (1, 2, 4, 8)
DTYPES: Final[dict[str, np.dtype[Any]]] = {
    BOOL: np.dtype("?"),
    **{f"INT{8 * size}": np.dtype(f"<i{size}") for size in _SIZES},
    **{f"UINT{8 * size}": np.dtype(f"<u{size}") for size in _SIZES},
    **{f"FP{8 * size}": np.dtype(f"<f{size}") for size in _SIZES[1:]},
}
"""The types whose elements have a fixed size; in bytes they are little-endian."""

_NAMES = {np.dtype(dtype.str.replace("<", "=")): name for name, dtype in DTYPES.items()}
_LENGTH = struct.Struct("<I")
_IN_STEP = 2**11  # texts


def datatype_of(dtype: np.dtype[Any]) -> str:
    """Name the type of an array's elements; texts of any kind are ``BYTES``."""
    return _NAMES.get(dtype, BYTES)


def datatype_of_field(kind: Type) -> str:
    """Name the type in which values of a field are sent; times are sent as texts."""
    return BYTES if kind in {"string", "datetime"} else _NAMES[np.dtype(kind)]


def elements(array: NDArray[Any], datatype: str) -> bytes:
    """Pack the elements of an array, row by row."""
    return pack(array.reshape(-1)) if datatype == BYTES else array.astype(DTYPES[datatype], copy=False).tobytes()


def pack(texts: Iterable[Any]) -> bytes:
    """Put texts one after the other, each behind its length in four bytes."""
    return b"".join(part for one in map(encoded, texts) for part in (_LENGTH.pack(len(one)), one))


def encoded(text: Any) -> bytes:
    """Encode an element of the type ``BYTES``, which has no null: `MISSING_TEXT` stands for it."""
    return (MISSING_TEXT if text is None else str(text)).encode("utf-8", "replace")


def unpack(packed: memoryview, count: int, name: str) -> list[str]:
    """Read `count` texts that lie one after the other, each behind its length in four bytes.

    Raises
    ------
    FormError
        If there are more or fewer, or one is not UTF-8; `name` is the tensor's.
    """
    steps = unpack_in_steps(packed, count, name)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            texts: list[str] = end.value
            return texts


def unpack_in_steps(packed: memoryview, count: int, name: str) -> Generator[None, None, list[str]]:
    """Read texts as `unpack` does, some in each step."""
    texts: list[str] = []
    place = paused = 0
    for number in range(min(count, len(packed) // _LENGTH.size)):
        start = place + _LENGTH.size
        if start > len(packed):
            break
        (length,) = _LENGTH.unpack_from(packed, place)
        place = start + length
        if place > len(packed):
            raise _short(name, count, len(texts))
        texts.append(text(packed[start:place], name, len(texts)))
        if number % _IN_STEP == _IN_STEP - 1 or place - paused > SLICE:
            paused = place
            yield
    if len(texts) < count:
        raise _short(name, count, len(texts))
    if place < len(packed):
        raise FormError(f"{count} texts in the tensor {name!r}", f"{len(packed) - place} bytes more", tensor=name)
    return texts


def text(element: memoryview | bytes, name: str, position: int) -> str:
    """Read one element of the type ``BYTES`` as a text.

    Raises
    ------
    FormError
        If it is not UTF-8.
    """
    try:
        return str(element, "utf-8")
    except UnicodeDecodeError:
        got = f"bytes that are not UTF-8 as element {position}"
        raise FormError(f"texts in UTF-8 in the tensor {name!r}", got, tensor=name) from None


def _short(name: str, wanted: int, got: int) -> FormError:
    return FormError(f"{wanted} texts in the tensor {name!r}", f"{got}, and the rest is too short", tensor=name)
