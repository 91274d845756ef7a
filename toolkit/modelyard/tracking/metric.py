"""What is logged: its kinds, and the JSON that a value is kept and sent as.

JSON has no NaN and no infinity; they are the texts ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, here as on the wire,
and are numbers again when they are read. (Such a text, logged as a text, is therefore read as the number.)
"""

from __future__ import annotations

import datetime as dt
import math
import sys
from typing import Any, Literal

from msgspec import Struct

from modelyard.errors import InvalidValueError

Kind = Literal[
    "scalar",
    "list",
    "row",
    "table",
    "image",
    "confusion_matrix",
    "accuracy_table",
    "residuals",
    "predictions",
]
"""What a logged value is."""

Scalar = int | float | str
"""A value that one point of a curve can have, or a cell of a table."""

MAX_VALUE = 4 << 20
"""Bytes of JSON that one value may have; more belongs into a file of the run."""

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class NewMetric(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value to log.

    Parameters
    ----------
    value
        What `as_json` makes of it: a number or text for a scalar, ``[…]`` for a list, ``{column: value}`` for a row,
        ``{column: […]}`` for a table, ``{"media_type", "size"}`` for an image, and for the charts what was given.
    blob
        The sha256 of an image's bytes.
    time
        By default the store's clock says when.
    """

    name: str
    value: Any
    kind: Kind = "scalar"
    step: int | None = None
    description: str = ""
    blob: str | None = None
    time: dt.datetime | None = None


class MetricBatch(Struct, frozen=True, kw_only=True):
    """Values to log in one transaction, in this order."""

    metrics: tuple[NewMetric, ...]


class Metric(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One logged value, as JSON; `position` counts those of its name from 1, `count` says how many there are."""

    name: str
    kind: Kind
    value: Any
    position: int
    time: dt.datetime
    step: int | None = None
    description: str = ""
    blob: str | None = None


class MetricQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which values of a run to read, by name and position; `limit` is 1 to 10,000."""

    name: str | None = None
    cursor: str | None = None
    limit: int = 10_000


def as_json(value: Any) -> Any:
    """Make what JSON can say of a value: numbers, texts, sequences and mappings of them, NumPy's among them.

    Raises
    ------
    InvalidValueError
        If something in it is none of these.
    """
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else _not_finite(value)
    if kind in (int, str, bool) or value is None:
        return value
    if isinstance(value, dict):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, range, set, frozenset)):
        return [as_json(one) for one in value]
    return _foreign(value)


def from_json(value: Any) -> Any:
    """Make the numbers of `as_json` numbers again; the rest stays."""
    if isinstance(value, str):
        return _NOT_FINITE.get(value, value)
    if isinstance(value, dict):
        return {key: from_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [from_json(one) for one in value]
    return value


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _foreign(value: Any) -> Any:
    """Take numbers, texts and times of other libraries: a NumPy scalar or array, a pandas column, an enumeration."""
    if isinstance(value, (bool, int, float, str)):  # a subclass: an enumeration, numpy.float64
        return as_json(next(base for base in (bool, int, float, str) if isinstance(value, base))(value))
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.generic, numpy.ndarray)):
        return as_json(value.tolist())
    for method in ("tolist", "to_list", "item"):
        if callable(getattr(value, method, None)):
            return as_json(getattr(value, method)())
    raise InvalidValueError(f"value of type {type(value).__name__}", "log numbers, texts, and lists or dicts of them")
