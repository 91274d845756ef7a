"""The tensors of one model: what it takes, checked before it runs, and what it gives."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.decoding.agreement import Axes, check_agreement
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.rows import Rows, Write
from modelyard_scoring.decoding.vector import cast
from modelyard_scoring.errors import (
    FormError,
    MissingColumnError,
    RequestError,
    RowCountError,
    TooManyRowsError,
    UnknownColumnError,
    ValueRefusedError,
)
from modelyard_scoring.formats.values import Values
from modelyard_scoring.inference.datatype import BOOL, DTYPES, datatype_of_field, unpack, unpack_in_steps
from modelyard_scoring.inference.listed import Listed, TensorValues, flattened, wrong_size
from modelyard_scoring.inference.request import Content, Tensor, Wanted
from modelyard_scoring.service.signature import Field, Form


class TensorSpec(Struct, frozen=True, kw_only=True):
    """What clients are told of an input or output; -1 is a size that is not fixed."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class TensorInput:
    """One tensor that a model takes.

    Parameters
    ----------
    column
        The values that it holds.
    form
        Of the signature: errors name the field of a ``frame``, and else the position in a row; of ``tensors`` they
        name the tensor too.
    """

    def __init__(self, field: Field, column: Column, form: Form) -> None:
        self.name = field.name
        self.datatype = datatype_of_field(field.type)
        self.shape = field.shape
        self._column = column
        self._flat = form == "frame"
        self._place = field.name if self._flat else None
        self._one_of_several = form == "tensors"
        self._dtype = DTYPES.get(self.datatype)
        is_number = self._dtype is not None and self._dtype.kind in "fiu"
        self.plain = is_number and column.dtype == self._dtype == column.kind and not column.nullable
        """Whether packed elements are the model's own numbers, all of which are taken that are finite."""

    @property
    def spec(self) -> TensorSpec:
        """What clients are told of it."""
        return TensorSpec(name=self.name, datatype=self.datatype, shape=sizes(self.shape))

    def count(self, tensor: Tensor) -> int:
        """Check the datatype and shape of a tensor; the number of its rows.

        Raises
        ------
        FormError
            If they are others than those of this input.
        RowCountError
            If there are no rows.
        """
        if tensor.datatype != self.datatype:
            wanted = f"the datatype {self.datatype} of the tensor {self.name!r}"
            raise FormError(wanted, repr(tensor.datatype[:40]), tensor=self.name)
        shape = tuple(tensor.shape)
        if shape[:1] == (0,):
            raise self._told(RowCountError())
        if not self._fits(shape):
            free = ", any from 1 for each -1," if None in self.shape else ""
            wanted = f"the shape {list(sizes(self.shape))}{free} of the tensor {self.name!r}"
            raise FormError(wanted, str(list(shape))[:80], tensor=self.name)
        return shape[0]

    def read(self, tensor: Tensor) -> NDArray[Any]:
        """Make the array that the model takes of a tensor whose shape `count` took.

        Raises
        ------
        FormError
            If there are more or fewer elements than the shape says.
        ValueRefusedError
            If a value is not of the input's type.
        """
        shape = tuple(tensor.shape)
        try:
            array = self._array(tensor.content, shape)  # type: ignore[arg-type] # what is not read yet is for steps
        except ValueRefusedError as error:
            raise self._told(error) from None
        return array.reshape(-1) if self._flat else array.reshape(shape)

    def _array(self, content: Content, shape: tuple[int, ...]) -> NDArray[Any]:
        if isinstance(content, memoryview):
            content = self._unpacked(content, shape)
        if isinstance(content, list):
            return self._from_values(flattened(content, shape, self.name), shape)
        if content.size != prod(shape):
            raise wrong_size(self.name, prod(shape), content.size)
        return cast(self._column, Values(array=content.reshape(shape)), self._place)

    def row_shape(self, tensor: Tensor) -> tuple[int, ...]:
        """Give the shape that one row of a tensor, whose shape `count` took, has for the model."""
        return () if self._flat else tuple(tensor.shape[1:])

    def read_plain(self, packed: bytes, row_shape: tuple[int, ...]) -> NDArray[Any] | None:
        """Make the array that the model takes of `plain` elements; None where a value is not of the input's type."""
        array = np.frombuffer(packed, self._dtype)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return None
        return array.reshape(-1, *row_shape)

    def read_in_steps(self, tensor: Tensor) -> Generator[None, None, NDArray[Any]]:
        """Make the array, as `read` does, in steps if its elements take long; of several mistakes the first is told."""
        shape, content = tuple(tensor.shape), tensor.content
        if isinstance(content, memoryview) and self._dtype is None:
            content = yield from unpack_in_steps(content, prod(shape), self.name)
        if not isinstance(content, list | Listed):
            return self.read(tensor)  # of numbers nothing takes long
        values = TensorValues(self._column, self.name, shape)
        try:
            yield from values.read(content) if isinstance(content, Listed) else values.take(content)
        except ValueRefusedError as error:
            raise self._told(self._refused(error.facts["row"], shape, error.facts["got"])) from None
        return values.array().reshape(-1 if self._flat else shape)

    def _fits(self, shape: tuple[int, ...]) -> bool:
        if self._flat:  # one value for each row is as good as a row of one value
            return shape[:1] > (0,) and shape[1:] in {(), (1,)}
        if len(shape) != len(self.shape):
            return False
        return all(got > 0 and wanted in {None, got} for wanted, got in zip(self.shape, shape, strict=True))

    def _unpacked(self, packed: memoryview, shape: tuple[int, ...]) -> list[Any] | NDArray[Any]:
        count = prod(shape)
        if self._dtype is None:
            return unpack(packed, count, self.name)
        if len(packed) != count * self._dtype.itemsize:
            wanted = f"{count * self._dtype.itemsize} bytes in the tensor {self.name!r}"
            raise FormError(wanted, f"{len(packed)} bytes", tensor=self.name)
        array = np.frombuffer(packed, self._dtype)
        if self.datatype == BOOL and array.view(np.uint8).max() > 1:
            place = int((array.view(np.uint8) > 1).argmax())
            raise self._refused(place, shape, f"the byte {packed[place]}")
        # the header before it has any length, but engines read whole words
        return array if array.flags.aligned else array.copy()

    def _from_values(self, values: list[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        try:
            self._column.check(values, 0, self._place)
        except ValueRefusedError as error:
            raise self._refused(error.facts["row"], shape, error.facts["got"]) from None
        return self._column.array(values)

    def _told(self, error: RequestError) -> RequestError:
        """Say of an error which tensor it is in, where there are several."""
        return error.within(self.name) if self._one_of_several else error

    def _refused(self, place: int, shape: tuple[int, ...], got: str) -> ValueRefusedError:
        """Refuse the value at a place of the flat tensor."""
        width = prod(shape[1:])
        column = self._place if self._flat or len(shape) == 1 else place % width
        return ValueRefusedError(place // width, column, self._column.wanted, got)


class Contract:
    """All tensors of a model.

    Parameters
    ----------
    outputs
        What it gives, in the order in which answers have them.
    axes
        The names of the inputs' axes.
    """

    def __init__(self, inputs: Sequence[TensorInput], outputs: Sequence[TensorSpec], axes: Axes, max_rows: int) -> None:
        self.inputs = {one.name: one for one in inputs}
        self.outputs = tuple(outputs)
        self._names = {one.name for one in outputs}
        self._axes = axes
        self._max_rows = max_rows

    def rows(self, tensors: Sequence[Tensor], write: Write) -> Rows:
        """Check the tensors of a request and make them rows, whose answer `write` makes.

        Raises
        ------
        RequestError
            Which says what is wrong with them.
        """
        named = self._named(tensors)
        count = self._count(named)
        parts = tuple(one.read(named[name]) for name, one in self.inputs.items())
        return Rows(count, parts, write)

    def rows_in_steps(self, tensors: Sequence[Tensor], write: Write) -> Generator[None, None, Rows]:
        """Make rows of tensors, as `rows` does, in steps if they take long."""
        named = self._named(tensors)
        count = self._count(named)
        parts = []
        for name, one in self.inputs.items():
            parts.append((yield from one.read_in_steps(named[name])))
        return Rows(count, tuple(parts), write)

    def check_outputs(self, outputs: Sequence[Wanted]) -> None:
        """Check what is asked for.

        Raises
        ------
        FormError
            If it is not among the model's outputs, or comes twice.
        """
        names = [one.name for one in outputs]
        for place, name in enumerate(names):
            if name not in self._names:
                known = ", ".join(repr(one.name) for one in self.outputs)
                raise FormError(f"outputs among {known}", repr(name[:100]))
            if name in names[:place]:
                raise FormError("each output once", f"{name!r} twice")

    def _count(self, named: Mapping[str, Tensor]) -> int:
        counts = [one.count(named[name]) for name, one in self.inputs.items()]
        if max(counts) > self._max_rows:
            raise TooManyRowsError(max(counts), self._max_rows)
        if len(counts) > 1:
            check_agreement(self._axes, {name: named[name].shape for name in self.inputs})
        return counts[0]

    def _named(self, tensors: Sequence[Tensor]) -> Mapping[str, Tensor]:
        named: dict[str, Tensor] = {}
        for tensor in tensors:
            if tensor.name not in self.inputs or tensor.name in named:
                raise UnknownColumnError(tensor.name, list(self.inputs))
            named[tensor.name] = tensor
        for name in self.inputs:
            if name not in named:
                raise MissingColumnError(name)
        return named


def sizes(shape: Sequence[int | str | None]) -> tuple[int, ...]:
    """Give a shape as the protocol writes it: -1 for a size that is not fixed, which may have a name."""
    return tuple(size if isinstance(size, int) else -1 for size in shape)
