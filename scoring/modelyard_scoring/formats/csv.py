"""CSV with a header, for answers: a line for each row, a column for each value."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray


def write(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write arrays with an item for each row; what is not finite becomes an empty cell.

    A cell that is empty and alone is written as ``""``, since readers leave out lines of nothing.
    The values of an output with several for each row are in columns ``NAME_0``, ``NAME_1`` and so on.
    """
    header = io.StringIO()
    names = [_names(name, array) for name, array in arrays.items()]
    csv.writer(header).writerow([name for group in names for name in group])
    columns = [_lines(array) for array in arrays.values()]
    lines = [b",".join(cells) or b'""' for cells in zip(*columns, strict=True)]
    return header.getvalue().encode("utf-8", "replace") + b"\r\n".join(lines) + b"\r\n"


def _names(name: str, array: NDArray[Any]) -> list[str]:
    return [name] if array.ndim == 1 else [f"{name}_{position}" for position in range(array[0].size)]


def _lines(array: NDArray[Any]) -> list[bytes]:
    """Write each row's values; numbers have the digits that they have in JSON."""
    rows = np.ascontiguousarray(array).reshape(len(array), -1)
    if rows.dtype.kind in "OUS":
        return [_texts(row) for row in rows.tolist()]
    text = orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY)
    return text[2:-2].replace(b"null", b"").split(b"],[")


def _texts(cells: list[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)  # whose line ends are what it quotes texts for
    return line.getvalue().encode("utf-8", "replace").removesuffix(b"\r\n")
