"""Read JSON lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from modelyard.data.errors import TableNotReadError

if TYPE_CHECKING:
    import pyarrow as pa


def read_json_lines(path: str, file: Path) -> pa.Table:
    """Read a file; a field that a line does not have is missing there.

    Raises
    ------
    TableNotReadError
        If a line is not a JSON object, no line is there, or a field has values that have no type in common.
    """
    import pyarrow as pa

    columns: dict[str, list[Any]] = {}
    count = 0
    for count, row in enumerate(_rows(path, file), start=1):
        for name, value in row.items():
            if name not in columns:
                columns[name] = [None] * (count - 1)
            columns[name].append(value)
        if len(row) < len(columns):
            for name in columns.keys() - row.keys():
                columns[name].append(None)
    if not columns:
        raise TableNotReadError(path, "it has no line with a field")
    return pa.table({name: _column(path, name, values) for name, values in columns.items()})


def _rows(path: str, file: Path) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with file.open("rb") as opened:
        for number, line in enumerate(opened, start=1):
            if line.isspace():
                continue
            try:
                yield decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise TableNotReadError(path, f"line {number} is not a JSON object ({error})") from None


def _column(path: str, name: str, values: list[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError) as error:
        said = str(error).strip().split("\n", 1)[0][:200]
        raise TableNotReadError(path, f"the values of {name!r} have no type in common ({said})") from None
