"""Work out what is in the columns of a table; every figure is of all rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from modelyard.data.sets.narrowing import type_of
from modelyard.data.sets.profile import FREQUENT, QUANTILES, SHOWN, ColumnProfile, Frequency, Profile
from modelyard.data.sets.tabular import Table

if TYPE_CHECKING:
    import pyarrow as pa


def profile_of(table: Table) -> Profile:
    """Work out what is in each column."""
    arrow = table.to_arrow()
    columns = tuple(_profiled(name, column) for name, column in zip(arrow.column_names, arrow.columns, strict=True))
    return Profile(rows=len(table), columns=columns)


def _profiled(name: str, column: pa.ChunkedArray) -> ColumnProfile:
    import pyarrow.compute as pc
    from pyarrow import types

    kind = type_of(column.type)
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if kind == "text" and column.type != "string":
        column = column.cast("string")
    if kind == "number":
        column = column.cast("float64")
        column = pc.add(pc.if_else(pc.is_nan(column), None, column), 0.0)  # -0.0 is the same as 0.0
    missing = column.null_count
    values = column.drop_null()
    distinct = None if kind == "other" else pc.count_distinct(values).as_py()
    facts = _FACTS[kind](values) if len(values) and kind in _FACTS else {}
    return ColumnProfile(name=name, type=kind, count=len(values), missing=missing, distinct=distinct, **facts)


def _numbers(values: pa.ChunkedArray) -> dict[str, Any]:
    import pyarrow.compute as pc
    from pyarrow import types

    infinite = 0
    if types.is_floating(values.type):
        finite = values.filter(pc.is_finite(values))
        infinite, values = len(values) - len(finite), finite
    if not len(values):
        return {"infinite": infinite}
    ends = pc.min_max(values).as_py()
    return {
        "infinite": infinite,
        "min": ends["min"],
        "max": ends["max"],
        "mean": pc.mean(values).as_py(),
        "std": pc.stddev(values, ddof=1).as_py() if len(values) > 1 else None,
        "quantiles": tuple(pc.quantile(values, list(QUANTILES)).to_pylist()),
    }


def _times(values: pa.ChunkedArray) -> dict[str, Any]:
    import pyarrow.compute as pc

    ends = pc.min_max(values)
    return {name: str(ends[name].cast("string").as_py()) for name in ("min", "max")}


def _texts(values: pa.ChunkedArray) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    ends = pc.min_max(values).as_py()
    counted = pc.value_counts(values)
    found = pa.table({"value": counted.field(0), "count": counted.field(1)})
    found = found.sort_by([("count", "descending"), ("value", "ascending")]).slice(0, FREQUENT)
    return {
        "min": ends["min"][:SHOWN],
        "max": ends["max"][:SHOWN],
        "longest": pc.max(pc.utf8_length(values)).as_py(),
        "frequent": tuple(Frequency(value=one["value"][:SHOWN], count=one["count"]) for one in found.to_pylist()),
    }


_FACTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "integer": _numbers,
    "number": _numbers,
    "time": _times,
    "date": _times,
    "text": _texts,
}
