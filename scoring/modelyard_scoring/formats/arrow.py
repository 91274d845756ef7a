"""Arrow IPC, streams and files. The only module that knows pyarrow, which the extra ``arrow`` brings.

A file is read as the stream that it holds.
Sources: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc and
https://github.com/apache/arrow/blob/main/format/Message.fbs
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_scoring.errors import FormError, MalformedError, RowCountError, TooManyRowsError
from modelyard_scoring.formats.values import Arrays, Values, expect

_FILE_STREAM = 8  # where the stream begins in a file
_COMPRESSION = 3  # the field of a RecordBatch that says how its buffers are packed
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2


def installed() -> bool:
    """Tell whether pyarrow is there, without importing it."""
    return importlib.util.find_spec("pyarrow") is not None


def prepare() -> None:
    """Import pyarrow, and what it imports itself when it is first used: in all a third of a second."""
    with suppress(ImportError):  # then each request says so
        read_stream(write_stream({"": np.zeros((1, 1), np.float32)}), 1)


def read_stream(body: bytes, max_rows: int) -> Arrays:
    """Read the columns of a stream.

    Raises
    ------
    MalformedError
        If it is not one, is cut off, or is packed inside.
    FormError
        If a column is of a type that no model takes, or comes twice.
    TooManyRowsError
        If there are more than `max_rows`.
    """
    expect("an Arrow stream", body)
    return _read(body, 0, max_rows, "an Arrow stream")


def read_file(body: bytes, max_rows: int) -> Arrays:
    """Read the columns of a file; raises the errors that `read_stream` does."""
    expect("an Arrow file", body)
    if not body.endswith(b"ARROW1"):
        raise MalformedError("an Arrow file", "it is cut off")
    return _read(body, _FILE_STREAM, max_rows, "an Arrow file")


def write_stream(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write arrays with an item for each row as the columns of a stream."""
    import pyarrow as pa

    return _write(arrays, pa.ipc.new_stream)


def write_file(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write arrays with an item for each row as the columns of a file."""
    import pyarrow as pa

    return _write(arrays, pa.ipc.new_file)


def _read(body: bytes, start: int, max_rows: int, what: str) -> Arrays:
    import pyarrow as pa

    try:
        batches = _batches(pa, pa.py_buffer(body).slice(start), max_rows, what)
        names = batches[0].schema.names if batches else []
        if len(set(names)) < len(names):
            raise FormError("columns with names of their own", "a name that comes twice")
        if not any(batch.num_rows for batch in batches):
            raise RowCountError
        table = pa.Table.from_batches(batches).combine_chunks()
        return {name: _values(pa, name, column) for name, column in zip(names, table.columns, strict=True)}
    except (pa.ArrowException, OSError, struct.error, IndexError, UnicodeDecodeError) as error:
        raise MalformedError(what, str(error)[:200]) from None


def _batches(pa: Any, source: Any, max_rows: int, what: str) -> list[Any]:
    """Give the batches, none of which is looked into before it was validated."""
    for message in pa.ipc.MessageReader.open_stream(source):
        _refuse_packed(message, what)
    batches, rows = [], 0
    with pa.ipc.open_stream(source) as reader:
        for batch in reader:
            rows += batch.num_rows
            if rows > max_rows:
                raise TooManyRowsError(rows, max_rows)
            batch.validate(full=True)
            batches.append(batch)
    return batches


def _refuse_packed(message: Any, what: str) -> None:
    """Refuse buffers that are packed inside: they say themselves how large they become, which nothing bounds."""
    data = message.metadata.to_pybytes()
    table = struct.unpack_from("<I", data, 0)[0]
    kind_place, header_place = _field(data, table, 1), _field(data, table, 2)
    kind = data[kind_place] if kind_place else 0
    if kind not in {_RECORD_BATCH, _DICTIONARY_BATCH} or not header_place:
        return
    batch = header_place + struct.unpack_from("<I", data, header_place)[0]
    if kind == _DICTIONARY_BATCH:
        place = _field(data, batch, 1)
        batch = place + struct.unpack_from("<I", data, place)[0]
    if _field(data, batch, _COMPRESSION):
        problem = "its buffers are packed; send them plain, and the whole body with the header content-encoding"
        raise MalformedError(what, problem)


def _field(data: bytes, table: int, number: int) -> int:
    """Find a field of a table of flatbuffers: its place, or 0 where it is left out."""
    listing = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, listing)[0]
    offset = 4 + 2 * number
    relative = struct.unpack_from("<H", data, listing + offset)[0] if offset < size else 0
    return table + relative if relative else 0


def _values(pa: Any, name: str, column: Any) -> Values:
    """Take the values of a column, and where there are none."""
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    sizes: list[int] = []
    while pa.types.is_fixed_size_list(array.type) or pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        sizes.append(_size(name, array))
        array = array.flatten()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    shape = (len(column), *sizes)
    missing = np.asarray(array.is_null(), dtype=bool).reshape(shape) if array.null_count else None
    return Values(array=_plain(pa, name, array).reshape(shape), missing=missing)


def _size(name: str, array: Any) -> int:
    """Give the length that all lists of a column have."""
    lengths = array.value_lengths().unique()
    if array.null_count or len(lengths) != 1 or lengths[0].as_py() is None:
        raise FormError(f"lists of one length in the column {name[:60]!r}", "lists of several lengths, or null")
    return int(lengths[0].as_py())


def _plain(pa: Any, name: str, array: Any) -> NDArray[Any]:
    kind, types = array.type, pa.types
    if types.is_string(kind) or types.is_large_string(kind):
        return np.asarray(array.to_numpy(zero_copy_only=False), dtype=object)
    if types.is_timestamp(kind):
        return np.asarray(array.cast(pa.int64()).fill_null(0).to_numpy()).view(f"M8[{kind.unit}]")
    if types.is_boolean(kind):
        return np.asarray(array.fill_null(fill_value=False).to_numpy(zero_copy_only=False))
    if types.is_integer(kind) or types.is_floating(kind):
        return np.asarray(array.fill_null(0).to_numpy())
    wanted = f"numbers, texts, truth or times in the column {name[:60]!r}"
    raise FormError(wanted, f"the Arrow type {str(kind)[:60]}", column=name[:100])


def _write(arrays: Mapping[str, NDArray[Any]], open_writer: Any) -> bytes:
    import pyarrow as pa

    columns = {name: _column(pa, array) for name, array in arrays.items()}
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with open_writer(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _column(pa: Any, array: NDArray[Any]) -> Any:
    plain = np.ascontiguousarray(array)
    column = pa.array(plain.reshape(-1), from_pandas=False)
    for size in reversed(plain.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, size)
    return column
