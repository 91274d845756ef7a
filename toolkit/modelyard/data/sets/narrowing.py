"""Tell what columns of texts hold: the narrowest type that each of their values has."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from modelyard.data.sets.profile import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

_CODE = r"^[+-]?(0[0-9]|[0-9]{19,}$)"
"""Digits that a number would lose: those of codes such as ``00123``, and integers beyond 64 bits."""


def narrowed(table: pa.Table, *, times_alone: bool) -> pa.Table:
    """Give columns of texts the narrowest type that all their values have.

    Parameters
    ----------
    times_alone
        Look for dates and times only, where the file itself says what is a number.
    """
    import pyarrow as pa

    columns = [
        _narrowed(column, times_alone=times_alone) if type_of(column.type) == "text" else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


@functools.cache
def type_of(arrow: Any) -> ColumnType:
    """Say what a type of Arrow is in our words."""
    from pyarrow import types

    if types.is_dictionary(arrow):
        return type_of(arrow.value_type)
    return next((word for word, names in _words(types) if any(holds(arrow) for holds in names)), "other")


def _words(types: Any) -> tuple[tuple[ColumnType, tuple[Any, ...]], ...]:
    return (
        ("boolean", (types.is_boolean,)),
        ("integer", (types.is_integer,)),
        ("number", (types.is_floating, types.is_decimal)),
        ("text", (types.is_string, types.is_large_string, types.is_string_view, types.is_null)),
        ("time", (types.is_timestamp,)),
        ("date", (types.is_date,)),
    )


def _narrowed(column: pa.ChunkedArray, *, times_alone: bool) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count == len(column):
        return pc.cast(column, pa.string())
    texts = pc.utf8_trim_whitespace(column)
    plain = () if times_alone else (pa.int64(), pa.float64(), pa.bool_())
    for kind in (*plain, pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            found = pc.cast(texts, kind)
        except pa.ArrowInvalid:
            continue
        if _is_faithful(texts, found):
            return found
    return column


def _is_faithful(texts: pa.ChunkedArray, found: pa.ChunkedArray) -> bool:
    """Say whether numbers have all digits that the texts had."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_integer(found.type):
        return bool(pc.all(pc.equal(pc.cast(found, pa.string()), texts)).as_py())
    if types.is_floating(found.type):
        return not pc.any(pc.match_substring_regex(texts, _CODE)).as_py()
    return True
