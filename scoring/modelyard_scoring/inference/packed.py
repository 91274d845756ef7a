"""Requests whose head came before: only the elements of their tensors are new, and those of a batch are read together.

The elements of all requests of a batch are put one after the other, and then looked at and run as those of one request.
Where one is not taken each request is read by itself, and its own error is told.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.inference.contract import TensorInput
from modelyard_scoring.inference.request import Tensor
from modelyard_scoring.inference.writer import Writer


class Place(Struct, frozen=True):
    """Where a body has the elements of a tensor, of which all else is in `tensor`."""

    input: TensorInput
    tensor: Tensor
    part: slice

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        return self.input.row_shape(self.tensor)

    def read(self, body: memoryview) -> NDArray[Any]:
        """Make the array that the model takes; raise a `RequestError` that says what is wrong with it."""
        return self.input.read(self.tensor.having(body[self.part]))

    def read_in_steps(self, body: memoryview) -> Generator[None, None, NDArray[Any]]:
        """Make the array, as `read` does, in steps if its elements take long."""
        return (yield from self.input.read_in_steps(self.tensor.having(body[self.part])))


class Layout(Struct, frozen=True, kw_only=True):
    """What a head says, which holds for all requests that begin with it and have `size` bytes.

    Parameters
    ----------
    places
        The tensors, in the order of the model's inputs.
    shapes
        The shape of one row of each.
    plain
        Whether their elements are values as the model takes them, so that they can be read together with others.
    """

    head: bytes
    size: int
    count: int
    places: tuple[Place, ...]
    shapes: tuple[tuple[int, ...], ...]
    plain: bool
    write: Writer

    def read(self, body: bytes | bytearray) -> Rows:
        """Read a body by itself; raise a `RequestError` that says what is wrong with it."""
        whole = memoryview(body)
        return Rows(self.count, tuple([place.read(whole) for place in self.places]), self.write)

    def read_in_steps(self, body: bytes) -> Generator[None, None, Rows]:
        """Read a large body, as `read` does, in steps if it takes long."""
        whole, parts = memoryview(body), []
        for place in self.places:
            parts.append((yield from place.read_in_steps(whole)))  # noqa: PERF401 - no comprehension can yield
        return Rows(self.count, tuple(parts), self.write)


class Packed(Struct, frozen=True):
    """A body whose elements were not looked at yet."""

    layout: Layout
    body: bytes | bytearray
    count: int
    write: Writer

    def read(self) -> Rows:
        """Read it by itself; raise a `RequestError` that says what is wrong with it."""
        return self.layout.read(self.body)


def together(batch: Sequence[Packed]) -> Rows | None:
    """Read the rows of all as those of one; None where they have to be read one by one."""
    first = batch[0].layout
    if any(one.layout.shapes != first.shapes for one in batch):
        return None
    arrays = []
    for i, (place, shape) in enumerate(zip(first.places, first.shapes, strict=True)):
        # their heads have any length, but engines read whole words: joining copies them to where words begin
        elements = b"".join([memoryview(one.body)[one.layout.places[i].part] for one in batch])
        array = place.input.read_plain(elements, shape)
        if array is None:
            return None
        arrays.append(array)
    return Rows(sum([one.count for one in batch]), tuple(arrays))
