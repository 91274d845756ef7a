"""Arrays that came in a body, before anybody knows whether they are what a model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.errors import MalformedError


class Values(Struct, frozen=True, kw_only=True):
    """One array as it was sent.

    Parameters
    ----------
    array
        Texts are of NumPy's type for texts, or objects that are all `str` or None.
    missing
        Where there is no value; None where the format has no word for that.
    """

    array: NDArray[Any]
    missing: NDArray[np.bool_] | None = None


MISSING_TEXT = "\ufdd0"
"""What a missing text is to an ONNX model, whose texts cannot be null: a code point that stands for no character."""
Arrays = dict[str, Values]
"""By name; an array that has none has the empty name."""

_MAGIC = {b"\x93NUMPY": "npy", b"PK": "npz", b"ARROW1": "an Arrow file", b"\xff\xff\xff\xff": "an Arrow stream"}


def expect(wanted: str, body: bytes) -> None:
    """Hold the first bytes of a body against the format that its content type names.

    Raises
    ------
    MalformedError
        If they are those of another format; the text says which, where that is known.
    """
    found = next((name for magic, name in _MAGIC.items() if body.startswith(magic)), None)
    if found != wanted:
        problem = f"it begins with the bytes {body[:6].hex(' ')}" if body else "it is empty"
        raise MalformedError(wanted, problem if found is None else f"it begins as {found}")
