"""What a model takes and gives: names, types and shapes, and one request with its answer.

A signature is inferred from the data at hand. Nothing is guessed: a column whose type cannot be told is an error
that names it. NumPy is imported only when something is inferred, pandas never.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Self

from msgspec import Struct

from modelyard.errors import InvalidValueError

_DTYPE = re.compile(r"(bool|u?int(8|16|32|64)|float(16|32|64))")
_EXTENSION_DTYPE = re.compile(r"(boolean|U?Int(8|16|32|64)|Float(32|64))")
TYPES = frozenset(
    ["bool", "string", "datetime", "float16", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)

MISSING_TEXT = "\ufdd0"
"""What a model gets in place of a missing text: a code point that Unicode keeps for such uses, and no text has."""


class Field(Struct, frozen=True, kw_only=True):
    """One input or output of a model.

    Parameters
    ----------
    name
        The column, or the name of the tensor.
    type
        One of `TYPES`.
    shape
        The first axis is the rows and `None`; `None` elsewhere is a size that is not fixed.
    nullable
        Whether a value may be missing (JSON null).
    categories
        The values that were known when the model was made, for a categorical column.
    """

    name: str
    type: str
    shape: tuple[int | None, ...]
    nullable: bool = False
    categories: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise InvalidValueError(f"The type {self.type!r} of {self.name!r}", f"use {', '.join(sorted(TYPES))}")
        if not self.shape or self.shape[0] is not None:
            raise InvalidValueError(f"The shape {self.shape} of {self.name!r}", "its first axis is the rows, None")


class Signature(Struct, frozen=True, kw_only=True):
    """The inputs and outputs of a model.

    Parameters
    ----------
    inputs
        For the form ``array`` one field, the whole table; for the form ``frame`` one field for each column, and for the
        form ``tensors`` one for each tensor.
    outputs
        In the order in which the model gives them.
    form
        Whether a request carries rows of one array, rows of a frame with named columns, or named tensors, whose first
        axes are the rows.
    """

    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...] = ()
    form: Literal["array", "frame", "tensors"] = "array"

    @classmethod
    def infer(cls, sample: Any, answer: Any = None) -> Self:
        """Tell the signature from a sample of the inputs, and of the answers.

        Parameters
        ----------
        sample
            A NumPy array, a pandas DataFrame, a list of rows or texts, or a mapping of the names of tensors to arrays.
        answer
            An array, or a mapping of output names to arrays.

        Raises
        ------
        InvalidValueError
            If the type of a column cannot be told; the text names the column.
        """
        outputs: tuple[Field, ...] = ()
        if answer is not None:
            named = answer if isinstance(answer, Mapping) else {"output": answer}
            outputs = tuple(_array_field(name, value) for name, value in named.items())
        if is_frame(sample):
            return cls(inputs=tuple(_frame_fields(sample)), outputs=outputs, form="frame")
        if isinstance(sample, Mapping):
            tensors = tuple(_array_field(name, value) for name, value in sample.items())
            return cls(inputs=tensors, outputs=outputs, form="tensors")
        return cls(inputs=(_array_field("input", sample),), outputs=outputs, form="array")


class Sample(Struct, frozen=True, kw_only=True):
    """A request as the service would get it, and the answer that was recorded for it.

    Parameters
    ----------
    request
        ``{"data": [[...]]}`` for arrays, ``{"columns": [...], "data": [[...]]}`` for frames, and
        ``{"data": {"name": [[...]], ...}}`` for tensors; null is missing.
    answer
        One list, a row an item, for each output.
    """

    request: dict[str, Any]
    answer: dict[str, list[Any]]

    @classmethod
    def record(cls, inputs: Any, answer: Mapping[str, Any]) -> Self:
        """Write down rows and the answers to them as JSON values.

        Raises
        ------
        InvalidValueError
            If a value has no form in JSON, such as infinity.
        """
        if is_frame(inputs):
            request = {"columns": [str(c) for c in inputs.columns], "data": plain(inputs.itertuples(index=False))}
        elif isinstance(inputs, Mapping):
            request = {"data": {name: plain(value) for name, value in inputs.items()}}
        else:
            request = {"data": plain(inputs)}
        return cls(request=request, answer={name: plain(value) for name, value in answer.items()})


def is_frame(data: Any) -> bool:
    """Tell whether `data` is a pandas DataFrame, without importing pandas."""
    return hasattr(data, "columns") and hasattr(data, "iloc")


def plain(value: Any) -> Any:
    """Turn arrays and their scalars into JSON values; what is missing becomes None.

    Raises
    ------
    InvalidValueError
        If a value is infinite, or of a type that JSON does not have.
    """
    if is_missing(value):  # also the missing date, which is a date
        return None
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and math.isinf(value):
        raise InvalidValueError("The value infinity", "it has no form in JSON; leave such rows out of the sample")
    if is_missing(value):
        return None
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    raise InvalidValueError(f"The value {value!r}", f"a {type(value).__name__} has no form in JSON")


def is_missing(value: Any) -> bool:
    """Tell whether `value` stands for a missing one: None, NaN, or the NA and NaT of pandas."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or type(value).__name__ in {"NAType", "NaTType"}


def _array_field(name: str, data: Any) -> Field:
    import numpy as np

    if not hasattr(data, "dtype"):
        data = _array_of_list(name, data)
    array = data.toarray() if hasattr(data, "toarray") else np.asarray(data)
    if array.ndim == 0:
        raise InvalidValueError(f"{name!r}", "a single value is not a sample; give rows")
    shape = (None, *array.shape[1:])
    if array.dtype.kind == "O":
        types = {_type_of_values(f"{name}, column {i}", values) for i, values in _object_columns(array)}
        if len(types) != 1:
            raise InvalidValueError(f"The columns of {name!r}", f"they mix {_join(types)}; give a data frame")
        ((kind, nullable),) = types
        return Field(name=name, type=kind, shape=shape, nullable=nullable)
    nullable = array.dtype.kind == "f" and bool(np.isnan(array).any())
    return Field(name=name, type=_type_of_dtype(name, array.dtype), shape=shape, nullable=nullable)


def _array_of_list(name: str, rows: Sequence[Any]) -> Any:
    """Make an array of nested lists, keeping texts texts and numbers numbers."""
    import numpy as np

    try:
        array = np.asarray(rows)
    except ValueError as error:
        raise InvalidValueError(f"{name!r}", "its rows have different lengths") from error
    return np.asarray(rows, dtype=object) if array.dtype.kind in "UO" else array


def _object_columns(array: Any) -> Iterator[tuple[int, list[Any]]]:
    yield from enumerate(array.reshape(len(array), -1).T.tolist())


def _frame_fields(frame: Any) -> Iterator[Field]:
    names = list(frame.columns)
    for i, name in enumerate(names):
        if not isinstance(name, str):
            raise InvalidValueError(f"The column {name!r}", "its name is not a text; rename the column")
        if name in names[:i]:
            raise InvalidValueError(f"The column {name!r}", "two columns have this name; rename one")
        yield _column_field(name, frame.iloc[:, i])


def _column_field(name: str, column: Any) -> Field:
    where = f"column {name!r}"
    nullable = bool(column.isna().any())
    dtype = column.dtype
    if hasattr(dtype, "categories"):
        kind, _ = _type_of_values(where, dtype.categories.tolist())
        known = tuple(str(c) for c in dtype.categories)
        return Field(name=name, type=kind, shape=(None, 1), nullable=nullable, categories=known)
    if dtype.kind == "O":
        kind, nullable = _type_of_values(where, column.tolist())
    else:
        kind = _type_of_dtype(where, dtype)
    return Field(name=name, type=kind, shape=(None, 1), nullable=nullable)


def _type_of_dtype(where: str, dtype: Any) -> str:
    text = str(dtype)
    if _DTYPE.fullmatch(text):
        return text
    if _EXTENSION_DTYPE.fullmatch(text):
        return "bool" if text == "boolean" else text.lower()
    if getattr(dtype, "kind", "") == "M":
        return "datetime"
    if getattr(dtype, "kind", "") in "UT" or text.startswith(("str", "string")):
        return "string"
    raise InvalidValueError(f"The type {text!r} of {where}", f"it has no counterpart; use {', '.join(sorted(TYPES))}")


def _type_of_values(where: str, values: Iterable[Any]) -> tuple[str, bool]:
    """Tell the type of Python values, and whether some are missing."""
    values = list(values)
    present = [v for v in values if not is_missing(v)]
    types = {_type_of_value(v) for v in present}
    if types == {"int64", "float64"}:
        types = {"float64"}
    if len(types) != 1 or None in types:
        held = _join({type(v).__name__ for v in present}) or "only missing values"
        raise InvalidValueError(f"The type of {where}", f"it holds {held}; convert it to one type")
    return str(types.pop()), len(present) < len(values)


def _type_of_value(value: Any) -> str | None:
    for kind, classes in _PYTHON_TYPES:
        if isinstance(value, classes):
            return kind
    match = _DTYPE.fullmatch(str(getattr(value, "dtype", "")))
    return match.group() if match else None


_PYTHON_TYPES: tuple[tuple[str, type], ...] = (
    ("bool", bool),
    ("int64", int),
    ("float64", float),
    ("string", str),
    ("datetime", dt.datetime),
)


def _join(names: Iterable[Any]) -> str:
    return ", ".join(sorted(n if isinstance(n, str) else n[0] for n in names))
