"""Rows of many requests joined into arrays, and arrays of answers split among the requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np
import orjson
from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.answers import Answer
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.rows import Rows, Write
from modelyard_scoring.formats import json
from modelyard_scoring.inference.writer import Columns, Writer


class Part(Protocol):
    """What is to be known of a request to write its answer."""

    @property
    def count(self) -> int:
        """Its rows."""
        ...

    @property
    def write(self) -> Write | None:
        """Makes its answer; None for a JSON object."""
        ...


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


def split(outputs: Mapping[str, NDArray[Any]], batch: Sequence[Part]) -> list[Answer]:
    """Write each request's part of the outputs as it asks for, or as a JSON object; NaN and infinity become null.

    Raises
    ------
    ValueError
        If an output has not one item for each row, so that it cannot be told whose is whose.
    """
    total = sum([part.count for part in batch])
    for name, array in outputs.items():
        if len(batch) > 1 and (array.ndim == 0 or len(array) != total):
            raise ValueError(f"the output {name!r} has the shape {array.shape} for {total} rows")
    writes = {part.write for part in batch}
    if writes == {None} and _has_pieces(outputs.values()):
        return write_together(outputs, [part.count for part in batch])
    columns = Columns.of(outputs, total) if all(isinstance(write, Writer) and write.packs for write in writes) else None
    answers: list[Answer] = []
    start = 0
    for part in batch:
        stop = start + part.count
        if columns is not None and isinstance(part.write, Writer):
            answers.append(part.write.cut(columns, start, stop))
        else:
            own = {name: array[start:stop] if array.ndim else array for name, array in outputs.items()}
            answers.append(write_json(own) if part.write is None else part.write(own))
        start = stop
    return answers


def write_json(outputs: Mapping[str, NDArray[Any]]) -> bytes:
    """Write outputs as a JSON object; NaN and infinity become null."""
    plain = {name: json.plain(array) for name, array in outputs.items()}
    return json.write(plain, sum([array.size for array in outputs.values()]))


def write_together(outputs: Mapping[str, NDArray[Any]], counts: Sequence[int]) -> list[Answer]:
    """Write outputs of several requests, of `counts` rows each: all as one text, which is then cut.

    The answers are those of `write_json`.
    """
    columns = [_pieces(array) for array in outputs.values()]
    separators = [b"],[" if array.ndim == 2 else b"," for array in outputs.values()]
    template = _template([(name, array.ndim) for name, array in outputs.items()])
    if len(columns[0]) == len(counts):
        return [template % row for row in zip(*columns, strict=True)]
    answers: list[Answer] = []
    start = 0
    for count in counts:
        stop = start + count
        own = [between.join(column[start:stop]) for between, column in zip(separators, columns, strict=True)]
        answers.append(template % tuple(own))
        start = stop
    return answers


def _has_pieces(arrays: Collection[NDArray[Any]]) -> bool:
    """Tell whether arrays can be written as one text that is cut, and in a short time."""
    return sum([array.size for array in arrays]) <= json.AT_ONCE and all(map(_is_flat, arrays))


def _is_flat(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "fiub" and (array.ndim == 1 or (array.ndim == 2 and array.shape[1] > 0))


def _pieces(array: NDArray[Any]) -> list[bytes]:
    """Write numbers as JSON, a text for each row without its brackets."""
    text = orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)
    return text[2:-2].split(b"],[") if array.ndim == 2 else text[1:-1].split(b",")


def _template(outputs: Sequence[tuple[str, int]]) -> bytes:
    fields = []
    for name, depth in outputs:
        quoted = orjson.dumps(name).replace(b"%", b"%%")
        fields.append(quoted + (b":[[%b]]" if depth == 2 else b":[%b]"))
    return b"{" + b",".join(fields) + b"}"
