"""The types of arguments that scripts declare by a sample, as the package inference-schema has them."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from abc import ABC, abstractmethod
from typing import Any

Schema = dict[str, Any]
_ORIENTS = ("split", "records", "index", "columns", "values", "table")
_SIMPLE: dict[type, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number", "format": "double"},
    str: {"type": "string"},
    bytes: {"type": "string", "format": "byte"},
    bytearray: {"type": "string", "format": "byte"},
    dt.datetime: {"type": "string", "format": "date-time"},
    dt.date: {"type": "string", "format": "date"},
    dt.time: {"type": "string", "format": "time"},
}


class AbstractParameterType(ABC):
    """A type that is declared by a sample; own types may be derived from it."""

    def __init__(self, sample_input: Any) -> None:
        self.sample_input = sample_input
        self.sample_data_type = type(sample_input)

    @abstractmethod
    def deserialize_input(self, input_data: Any) -> Any:
        """Convert a JSON value; what has the type already stays as it is.

        Raises
        ------
        ValueError
            If it is of another type; the text goes to the client.
        """

    @abstractmethod
    def input_to_swagger(self) -> Schema:
        """Give the JSON Schema, with the sample as ``example``."""


class NumpyParameterType(AbstractParameterType):
    """A NumPy array.

    Parameters
    ----------
    enforce_column_type
        Whether arrays have the sample's element type.
    enforce_shape
        Whether arrays have the sample's shape but for the first axis.
    """

    def __init__(self, sample_input: Any, enforce_column_type: bool = True, enforce_shape: bool = True) -> None:
        import numpy as np

        if not isinstance(sample_input, np.ndarray):
            raise TypeError(f"the sample must be a NumPy array, not a {type(sample_input).__name__}")
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape

    def deserialize_input(self, input_data: Any) -> Any:
        """Convert nested lists; see the base class."""
        import numpy as np

        from modelyard_scoring import parameter_values  # needs NumPy, which a script without such types does not load

        if isinstance(input_data, np.ndarray):
            return input_data
        if not isinstance(input_data, list):
            raise ValueError(f"wanted a list, got {_kind(input_data)}")  # noqa: TRY004 - what a client sent
        array = parameter_values.array(input_data, self.sample_input.dtype if self.enforce_column_type else None)
        wanted = self.sample_input.shape
        if self.enforce_shape and (array.ndim != len(wanted) or array.shape[1:] != wanted[1:]):
            shown = ", ".join(["any number", *map(str, wanted[1:])])
            raise ValueError(f"wanted an array of the shape ({shown}), got {array.shape}")
        return array

    def input_to_swagger(self) -> Schema:
        """Describe nested lists; see the base class."""
        schema = _of_dtype(self.sample_input.dtype)
        for size in reversed(self.sample_input.shape[1:]):
            schema = {"type": "array", "items": schema}
            if self.enforce_shape:
                schema |= {"minItems": size, "maxItems": size}
        example = _plain_array(self.sample_input)
        return {"type": "array", "items": schema, "format": "numpy.ndarray", "example": example}


class PandasParameterType(AbstractParameterType):
    """A pandas data frame.

    Parameters
    ----------
    enforce_column_type
        Whether columns have the sample's types.
    enforce_shape
        Whether frames have the sample's columns.
    orient
        How JSON holds the frame, as ``pandas.read_json`` says it.
    """

    def __init__(
        self,
        sample_input: Any,
        enforce_column_type: bool = True,
        enforce_shape: bool = True,
        apply_column_names: bool = False,
        orient: str = "records",
    ) -> None:
        import pandas as pd

        if not isinstance(sample_input, pd.DataFrame):
            raise TypeError(f"the sample must be a data frame, not a {type(sample_input).__name__}")
        if orient not in _ORIENTS:
            raise ValueError(f"orient must be one of {', '.join(_ORIENTS)}, not {orient!r}")
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape
        self.apply_column_names = apply_column_names
        self.orient = orient

    def deserialize_input(self, input_data: Any) -> Any:
        """Convert records, or what `orient` says; see the base class."""
        import pandas as pd

        from modelyard_scoring import parameter_values  # as above

        if isinstance(input_data, pd.DataFrame):
            return input_data
        if not isinstance(input_data, list | dict):
            raise ValueError(f"wanted a data frame in the orient {self.orient!r}, got {_kind(input_data)}")  # noqa: TRY004 - what a client sent
        wanted = self.sample_input
        frame = parameter_values.frame(input_data, self.orient, wanted.columns)
        if self.apply_column_names and len(frame.columns) == len(wanted.columns):
            frame.columns = wanted.columns.copy()
        if self.enforce_shape:
            frame = self._ordered(frame)
        if self.enforce_column_type:
            for name in frame.columns.intersection(wanted.columns):
                frame[name] = parameter_values.column(frame[name], wanted.dtypes[name])
        return frame

    def input_to_swagger(self) -> Schema:
        """Describe records, or what `orient` says; see the base class."""
        example = json.loads(self.sample_input.to_json(orient=self.orient, date_format="iso"))
        schema = _of_value(example)
        if self.orient == "records":
            for name, dtype in self.sample_input.dtypes.items():
                if str(dtype).startswith("datetime"):
                    schema["items"]["properties"][str(name)]["format"] = "date-time"
        return {**schema, "format": f"pandas.DataFrame:{self.orient}", "example": example}

    def _ordered(self, frame: Any) -> Any:
        """Put columns into the sample's order, so that models that go by position get what they were trained on."""
        wanted = list(self.sample_input.columns)
        given = list(frame.columns)
        if self.orient == "values" and len(given) == len(wanted):
            frame.columns = wanted
            return frame
        if len(given) != len(wanted) or set(given) != set(wanted):
            raise ValueError(f"wanted the columns {wanted}, got {given}")
        return frame[wanted]


class StandardPythonParameterType(AbstractParameterType):
    """A Python value: a number, a text, bytes in base64, a date, or dicts and lists of such and of other types."""

    def deserialize_input(self, input_data: Any) -> Any:
        """Convert a value, and what is in it; see the base class."""
        kind = self.sample_data_type
        if kind is dict:
            return self._dict(input_data)
        if kind in {list, tuple}:
            return self._list(input_data)
        if kind in {dt.datetime, dt.date, dt.time, bytes, bytearray} and isinstance(input_data, str):
            return _from_text(kind, input_data)
        number = kind is float and type(input_data) is int
        if not number and (not isinstance(input_data, kind) or (kind is int and isinstance(input_data, bool))):
            raise ValueError(f"wanted {_SIMPLE.get(kind, {'type': kind.__name__})['type']}, got {_kind(input_data)}")
        return input_data

    def input_to_swagger(self) -> Schema:
        """Describe the value; see the base class."""
        return {**_of_value(self.sample_input), "example": _example(self.sample_input)}

    def _dict(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise ValueError(f"wanted an object, got {_kind(given)}")  # noqa: TRY004 - what a client sent
        types = {name: one for name, one in self.sample_input.items() if hasattr(one, "deserialize_input")}
        return given | {name: one.deserialize_input(given[name]) for name, one in types.items() if name in given}

    def _list(self, given: Any) -> list[Any]:
        if not isinstance(given, list | tuple):
            raise ValueError(f"wanted a list, got {_kind(given)}")  # noqa: TRY004 - what a client sent
        types = [one for one in self.sample_input if hasattr(one, "deserialize_input")]
        return [types[0].deserialize_input(one) for one in given] if types else list(given)


def _from_text(kind: type, text: str) -> Any:
    if kind in {bytes, bytearray}:
        try:
            return kind(base64.b64decode(text, validate=True))
        except binascii.Error as error:
            raise ValueError(f"wanted base64: {error}") from None
    reader: Any = kind
    return reader.fromisoformat(text)


def _of_value(value: Any) -> Schema:
    if isinstance(value, AbstractParameterType):
        return {name: one for name, one in value.input_to_swagger().items() if name != "example"}
    if isinstance(value, dict):
        properties = {str(name): _of_value(one) for name, one in value.items()}
        return {"type": "object", "required": list(properties), "properties": properties}
    if isinstance(value, list | tuple | range):
        return {"type": "array", "items": _of_value(value[0]) if value else {}}
    return dict(_SIMPLE.get(type(value), {}))


def _example(value: Any) -> Any:
    if isinstance(value, AbstractParameterType):
        return value.input_to_swagger()["example"]
    if isinstance(value, dict):
        return {str(name): _example(one) for name, one in value.items()}
    if isinstance(value, list | tuple | range):
        return [_example(one) for one in value]
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return value


def _of_dtype(dtype: Any) -> Schema:
    if dtype.names:
        return {"type": "object", "properties": {name: _of_dtype(dtype[name]) for name in dtype.names}}
    if dtype.kind in "iu":
        return {"type": "integer", "format": dtype.name}
    if dtype.kind == "f":
        return {"type": "number", "format": "double" if dtype.itemsize == 8 else "float"}
    kinds: dict[str, Schema] = {"b": {"type": "boolean"}, "M": {"type": "string", "format": "date-time"}, "O": {}}
    return kinds.get(dtype.kind, {"type": "string"})


def _plain_array(array: Any) -> Any:
    if array.dtype.names:
        return [dict(zip(array.dtype.names, map(_scalar, row), strict=True)) for row in array.tolist()]
    return array.astype(str).tolist() if array.dtype.kind in "MmSV" else array.tolist()


def _scalar(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
