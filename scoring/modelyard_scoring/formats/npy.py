"""The format ``.npy`` of NumPy, version 1 to 3, without objects: nothing in it is ever run.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import ast
import io
import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_scoring.errors import MalformedError
from modelyard_scoring.formats.values import MISSING_TEXT, Arrays, Values, expect

_MAX_HEADER = 10_000
_UNREADABLE = (ValueError, TypeError, SyntaxError, KeyError, IndexError, RecursionError, MemoryError, struct.error)


def read(body: bytes) -> Arrays:
    """Read the one array of a body; the fields of a structured one become arrays of their own.

    Raises
    ------
    MalformedError
        If it is not whole, goes on after its end, or holds objects.
    """
    expect("npy", body)
    array = read_array(body, "npy")
    if array.dtype.names is None:
        return {"": Values(array=array)}
    return {name: Values(array=array[name]) for name in array.dtype.names}


def read_array(body: bytes, what: str) -> NDArray[Any]:
    """Read an array, which lies over the body; `what` is what errors call it."""
    try:
        dtype, shape, fortran, start = _header(body)
    except _UNREADABLE as error:
        raise MalformedError(what, f"its header cannot be read: {error}"[:200]) from None
    if dtype.hasobject:
        raise MalformedError(what, "it holds Python objects, which are never loaded; send numbers or texts")
    if dtype.itemsize == 0 or dtype.subdtype is not None:
        raise MalformedError(what, f"values of the type {str(dtype)[:60]} are not taken")
    wanted, got = math.prod(shape) * dtype.itemsize, len(body) - start
    if wanted != got:
        raise MalformedError(what, f"its header promises {wanted} bytes, and {got} follow it")
    try:
        return np.ndarray(shape, dtype, body, start, order="F" if fortran else "C")
    except (ValueError, TypeError, OverflowError) as error:
        raise MalformedError(what, str(error)[:200]) from None


def write(array: NDArray[Any]) -> bytes:
    """Write an array; texts get the length of the longest, and one that is None is `MISSING_TEXT`."""
    stream = io.BytesIO()
    plain = array
    if array.dtype.hasobject:
        texts = [MISSING_TEXT if one is None else one for one in array.reshape(-1)]
        plain = np.array(texts, np.str_).reshape(array.shape)
    np.lib.format.write_array(stream, plain, allow_pickle=False)
    return stream.getvalue()


def _header(body: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """Give the type, the shape, whether columns lie together, and where the values begin."""
    major = body[6]
    if major not in {1, 2, 3}:
        raise ValueError(f"the version {major} is not known")
    form = "<H" if major == 1 else "<I"
    (length,) = struct.unpack_from(form, body, 8)
    start = 8 + struct.calcsize(form)
    if length > _MAX_HEADER or start + length > len(body):
        raise ValueError(f"it has {length} bytes")
    header = _literal(body[start : start + length].decode("utf-8" if major == 3 else "latin-1").strip())
    if set(header) != {"descr", "shape", "fortran_order"}:
        raise ValueError("it has other names than descr, shape and fortran_order")
    shape, fortran = header["shape"], header["fortran_order"]
    if type(fortran) is not bool:
        raise ValueError("fortran_order is neither True nor False")
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("the shape is not a tuple of sizes")
    return _dtype(header["descr"]), shape, fortran, start + length


def _literal(text: str) -> dict[str, Any]:
    """Read a dict of Python whose names come once each."""
    try:
        tree = ast.parse(text, mode="eval").body
        found = ast.literal_eval(tree)
    except _UNREADABLE:  # whose texts have addresses of this process's memory
        raise ValueError("it is no dict of plain values") from None
    if not isinstance(tree, ast.Dict) or not isinstance(found, dict) or len(found) < len(tree.keys):
        raise ValueError("it is no dict whose names come once each")
    return found


def _dtype(described: Any) -> np.dtype[Any]:
    try:
        return np.lib.format.descr_to_dtype(described)
    except _UNREADABLE:
        raise ValueError(f"there is no type {described!r}") from None
