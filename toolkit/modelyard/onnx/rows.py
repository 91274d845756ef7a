"""Rows in all the forms that are needed: as the estimator takes them, and as the ONNX model does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self

import numpy as np

from modelyard.models.signature import MISSING_TEXT, Field, is_frame, is_missing
from modelyard.onnx.errors import UnsupportedSampleError

Number = Literal["float32", "float64"]


class Rows:
    """Rows of a table or a list of texts, held by column.

    Parameters
    ----------
    columns
        One array of values for each column; texts and missing ones are objects.
    form
        ``array``, ``frame`` or ``texts``.
    names
        The columns' names, for a frame.
    dtypes
        The type that the estimator gets each column as.
    """

    def __init__(
        self,
        columns: Sequence[np.ndarray],
        *,
        form: Literal["array", "frame", "texts"],
        names: Sequence[str] = (),
        dtypes: Sequence[Any] = (),
    ) -> None:
        self.columns = tuple(columns)
        self.form = form
        self.names = tuple(names)
        self.dtypes = tuple(dtypes)

    @classmethod
    def of(cls, sample: Any) -> Self:
        """Take a sample as the user has it.

        Raises
        ------
        UnsupportedSampleError
            If it has no rows, or more than two axes.
        """
        if is_frame(sample):
            columns = [_column_values(sample.iloc[:, i]) for i in range(sample.shape[1])]
            names, dtypes = [str(c) for c in sample.columns], list(sample.dtypes)
            return cls(_checked(columns), form="frame", names=names, dtypes=dtypes)
        if hasattr(sample, "toarray"):
            sample = sample.toarray()
        array = sample if isinstance(sample, np.ndarray) else _array(sample)
        if array.ndim == 1 and array.dtype.kind in "OUT":
            return cls(_checked([array.astype(object)]), form="texts", dtypes=[object])
        if array.ndim != 2:
            raise UnsupportedSampleError(f"it has {array.ndim} axes and not 2")
        if array.dtype.kind in "UT":
            array = array.astype(object)
        return cls(_checked(list(array.T)), form="array", dtypes=[array.dtype] * array.shape[1])

    def __len__(self) -> int:
        return len(self.columns[0])

    def take(self, index: Any) -> Rows:
        """Choose rows by number or mask."""
        return self.with_columns([column[index] for column in self.columns])

    def replace(self, changes: dict[int, np.ndarray]) -> Rows:
        """Put other values in some columns; they are rounded to what the column's type can hold."""
        columns = list(self.columns)
        for i, values in changes.items():
            columns[i] = _cast(values, columns[i].dtype)
        return self.with_columns(columns)

    @staticmethod
    def stack(parts: Sequence[Rows]) -> Rows:
        """Put rows of one form under each other."""
        return parts[0].with_columns([np.concatenate(cs) for cs in zip(*(p.columns for p in parts), strict=True)])

    def numeric(self) -> tuple[int, ...]:
        """Tell which columns hold numbers."""
        return tuple(i for i, c in enumerate(self.columns) if c.dtype.kind in "fiu")

    def native(self) -> Any:
        """Give what the estimator takes."""
        if self.form == "texts":
            return self.columns[0].tolist()
        if self.form == "array":
            return np.column_stack(self.columns)
        import pandas as pd

        pairs = zip(self.names, self.columns, self.dtypes, strict=True)
        return pd.DataFrame({name: _series(pd, values, dtype) for name, values, dtype in pairs})

    def fields(self, number: Number, integers: bool = False) -> tuple[Field, ...]:
        """Describe the inputs of the ONNX model.

        Parameters
        ----------
        number
            What numbers are given as.
        integers
            Whether columns of integers are given as int64 instead.
        """
        whole = self.form == "frame"  # an array has one type for all
        types = [_onnx_type(c, number, integers=integers, whole=whole) for c in self.columns]
        nullable = [any(map(is_missing, c.tolist())) if c.dtype.kind in "fO" else False for c in self.columns]
        if self.form == "frame":
            known = [_categories(d) for d in self.dtypes]
            return tuple(
                Field(name=n, type=t, shape=(None, 1), nullable=m, categories=k)
                for n, t, m, k in zip(self.names, types, nullable, known, strict=True)
            )
        shape = (None,) if self.form == "texts" else (None, len(self.columns))
        kind = types[0] if len(set(types)) == 1 else number
        return (Field(name="input", type=kind, shape=shape, nullable=any(nullable)),)

    def feed(self, fields: Sequence[Field]) -> dict[str, np.ndarray]:
        """Give what the ONNX model takes: a missing number is NaN, a missing text `MISSING_TEXT`."""
        if self.form == "frame":
            pairs = zip(fields, self.columns, strict=True)
            return {f.name: _cast_input(c, f.type).reshape(-1, 1) for f, c in pairs}
        columns = [_cast_input(c, fields[0].type) for c in self.columns]
        return {fields[0].name: columns[0] if self.form == "texts" else np.column_stack(columns)}

    def texts(self, index: int) -> str:
        """Write one row for people, cut to what fits in a line."""
        values = [_brief(c[index].item() if hasattr(c[index], "item") else c[index]) for c in self.columns]
        names = self.names or [f"{i}" for i in range(len(values))]
        text = ", ".join(f"{n}={v}" for n, v in zip(names, values, strict=True))
        return text if len(text) < 400 else text[:400] + " ..."

    def with_columns(self, columns: Sequence[np.ndarray]) -> Rows:
        """Give rows of the same form that hold other columns."""
        return Rows(columns, form=self.form, names=self.names, dtypes=self.dtypes)


def _checked(columns: list[np.ndarray]) -> list[np.ndarray]:
    if not columns or not len(columns[0]):
        raise UnsupportedSampleError("it has no rows or no columns")
    return columns


def _array(rows: Any) -> np.ndarray:
    array = np.asarray(rows)
    return np.asarray(rows, dtype=object) if array.dtype.kind == "U" else array


def _column_values(column: Any) -> np.ndarray:
    """Hold a column of a frame as plain NumPy: numbers as numbers, all else as objects."""
    if column.dtype.kind in "biuf" and isinstance(column.dtype, np.dtype):
        return np.asarray(column)
    if column.dtype.kind == "M":
        raise UnsupportedSampleError(f"column {column.name!r} holds dates; turn them into numbers or texts")
    values: Iterable[Any] = (None if is_missing(v) else v for v in column.tolist())
    return np.array([*values, None], dtype=object)[:-1]


def _series(pd: Any, values: np.ndarray, dtype: Any) -> Any:
    if values.dtype == object and isinstance(dtype, np.dtype):
        return pd.Series(values, dtype=object)
    if hasattr(dtype, "categories"):
        known = set(dtype.categories)
        return pd.Categorical([v if v in known else None for v in values], dtype=dtype)
    return pd.Series(values, dtype=dtype)


def _categories(dtype: Any) -> tuple[str, ...] | None:
    return tuple(str(c) for c in dtype.categories) if hasattr(dtype, "categories") else None


def _cast(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    if dtype.kind in "iu" and values.dtype.kind == "f":
        info = np.iinfo(dtype)
        largest = min(int(info.max), 2**53)  # beyond it, a float64 cannot say which integer is meant
        values = np.clip(np.nan_to_num(values), max(int(info.min), -largest), largest)
    with np.errstate(all="ignore"):
        return values.astype(dtype)


def _onnx_type(column: np.ndarray, number: Number, *, integers: bool, whole: bool) -> str:
    if column.dtype == object:
        present = [v for v in column.tolist() if v is not None]
        return "string" if all(isinstance(v, str) for v in present) else number
    if column.dtype == bool and whole:
        return "bool"
    return "int64" if integers and column.dtype.kind in "iu" else number


def _cast_input(column: np.ndarray, kind: str) -> np.ndarray:
    if kind == "string":
        return np.array([*(MISSING_TEXT if v is None else v for v in column.tolist()), ""], dtype=object)[:-1]
    if column.dtype == object:
        column = np.array([np.nan if v is None else v for v in column.tolist()], dtype=np.float64)
    with np.errstate(all="ignore"):
        return column.astype(kind)


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."
