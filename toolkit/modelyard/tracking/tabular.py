"""Tables as they are logged: columns of equal length, each with the type of its values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.errors import InvalidValueError
from modelyard.names import check_label
from modelyard.tracking.metric import as_json, from_json

_TYPES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("boolean", (bool,)),
    ("integer", (int,)),
    ("number", (int, float)),
    ("text", (str,)),
    ("time", (dt.datetime,)),
    ("date", (dt.date,)),
)


def table_as_json(value: Any) -> dict[str, Any]:
    """Make the JSON of a table: ``{"columns": {name: […]}, "types": {name: type}}``.

    Parameters
    ----------
    value
        ``{column: values}``, where one value stands for a column of one row; or a pandas data frame.

    Raises
    ------
    InvalidValueError
        If it is neither, the columns differ in length, or a value cannot be logged.
    """
    columns = {check_label("column", str(name)): _listed(column) for name, column in _columns(value).items()}
    if len(lengths := {len(column) for column in columns.values()}) > 1:
        raise InvalidValueError("table", f"its columns differ in length: {sorted(lengths)}")
    types = {name: _type(column) for name, column in columns.items()}
    return {"columns": as_json(columns), "types": types}


def table_from_json(document: dict[str, Any]) -> dict[str, list[Any]]:
    """Make the columns of `table_as_json` again, with numbers and times as such."""
    types = document["types"]
    return {name: [_read(types[name], one) for one in column] for name, column in document["columns"].items()}


def _columns(value: Any) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return value
    if hasattr(value, "columns") and hasattr(value, "to_dict"):
        found: dict[Any, Any] = value.to_dict("list")
        return found
    raise InvalidValueError("table", f"give {{column: values}} or a data frame, not {type(value).__name__}")


def _listed(column: Any) -> list[Any]:
    if hasattr(column, "tolist"):
        column = column.tolist()
    if isinstance(column, Sequence) and not isinstance(column, str):
        return list(column)
    return [column]


def _type(column: list[Any]) -> str:
    kinds = {_base(one) for one in column if one is not None}
    return next((name for name, allowed in _TYPES if kinds <= set(allowed)), "mixed")


def _base(value: Any) -> type:
    """Find the plain type of a value; NumPy's scalars become Python's."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    return next((t for t in (bool, int, float, str, dt.datetime, dt.date) if isinstance(plain, t)), object)


def _read(kind: str, value: Any) -> Any:
    if value is None or kind in ("text", "boolean", "integer"):
        return value
    if kind == "time":
        return dt.datetime.fromisoformat(value)
    return dt.date.fromisoformat(value) if kind == "date" else from_json(value)
