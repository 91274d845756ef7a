"""What a model takes and gives: the names, types and shapes in ``service.json``."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Type = Literal[
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "string",
    "datetime",
]
Form = Literal["array", "frame", "tensors"]


WRAPPERS = ("data", "input_data", "instances", "inputs", "dataframe_split", "dataframe_records")
"""The names, of which a request uses one, under which it has its rows: ours, and those that clients of others send."""


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input or output.

    Parameters
    ----------
    name
        The column, or the name of the tensor.
    type
        The type of each value.
    shape
        The first axis is the rows and ``None``; ``None`` elsewhere is a size that is not fixed.
    nullable
        Whether null is taken.
    categories
        The values known when the model was made; they document, they do not restrict.
    """

    name: str
    type: Type
    shape: tuple[int | None, ...]
    nullable: bool = False
    categories: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.shape or self.shape[0] is not None:
            raise ValueError(f"the shape of {self.name!r} must begin with null, the rows")
        if any(size is not None and size < 1 for size in self.shape):
            raise ValueError(f"the shape of {self.name!r} has a size below 1")


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The inputs and outputs of a model.

    Parameters
    ----------
    inputs
        For the form ``array`` one field, the whole table; for ``frame`` one for each column, and for ``tensors`` one
        for each tensor.
    outputs
        In the order in which the model gives them.
    form
        Whether a request carries rows of one array, rows with named columns, or named tensors, whose first axes are
        the rows.
    """

    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...] = ()
    form: Form = "array"

    def __post_init__(self) -> None:
        if self.form == "array" and len(self.inputs) != 1:
            raise ValueError(f"the form 'array' has one input, not {len(self.inputs)}")
        if self.form != "array" and not self.inputs:
            raise ValueError(f"the form {self.form!r} has at least one input")
        for fields in (self.inputs, self.outputs):
            names = [field.name for field in fields]
            if len(set(names)) < len(names):
                raise ValueError(f"two inputs or outputs have the same name in {names}")
        for field in self.inputs if self.form == "frame" else ():
            if field.shape not in {(None,), (None, 1)}:
                raise ValueError(f"the column {field.name!r} must have the shape [null] or [null, 1]")
