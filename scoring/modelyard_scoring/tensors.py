"""Rows of many requests joined into arrays, and arrays of answers split among the requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import orjson
from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.answers import Answer
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.rows import Rows


class Input(Struct, frozen=True, kw_only=True):
    """One array that a model takes.

    Parameters
    ----------
    name
        What the model calls it.
    column
        The values that requests hold for it, and their type in the array.
    deep
        Whether a column of single values goes in as rows of one, ``(n_rows, 1)``.
    """

    name: str
    column: Column
    deep: bool


def join(inputs: Sequence[Input], batch: Sequence[Rows]) -> dict[str, NDArray[Any]]:
    """Make the model's arrays from the rows of all requests, in order."""
    arrays = {}
    for i, wanted in enumerate(inputs):
        parts = [rows.parts[i] for rows in batch]
        lists = [part for part in parts if isinstance(part, list)]
        if len(lists) == len(parts):
            array = wanted.column.array(lists[0] if len(lists) == 1 else list(chain.from_iterable(lists)))
        else:
            array = _joined([wanted.column.array(part) if isinstance(part, list) else part for part in parts])
        arrays[wanted.name] = array.reshape(-1, 1) if wanted.deep else array
    return arrays


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def split(outputs: Mapping[str, NDArray[Any]], batch: Sequence[Rows]) -> list[Answer]:
    """Write each request's part of the outputs as it asks for, or as a JSON object; NaN and infinity become null.

    Raises
    ------
    ValueError
        If an output has not one item for each row, so that it cannot be told whose is whose.
    """
    total = sum(rows.count for rows in batch)
    for name, array in outputs.items():
        if len(batch) > 1 and (array.ndim == 0 or len(array) != total):
            raise ValueError(f"the output {name!r} has the shape {array.shape} for {total} rows")
    answers: list[Answer] = []
    start = 0
    for rows in batch:
        stop = start + rows.count
        part = {name: array[start:stop] if array.ndim else array for name, array in outputs.items()}
        answers.append(write_json(part) if rows.write is None else rows.write(part))
        start = stop
    return answers


def write_json(outputs: Mapping[str, NDArray[Any]]) -> bytes:
    """Write outputs as a JSON object; NaN and infinity become null."""
    plain = {name: _plain(array) for name, array in outputs.items()}
    return orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY)


def _plain(array: NDArray[Any]) -> Any:
    if array.dtype.kind in "OUS" or array.ndim == 0:
        return array.tolist()
    return np.ascontiguousarray(array)
