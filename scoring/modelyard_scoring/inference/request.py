"""What a client asks for, whatever carried it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.inference.listed import Listed

Content = memoryview | list[Any] | NDArray[Any]


class Tensor(Struct, frozen=True):
    """An input as it was sent.

    Parameters
    ----------
    shape
        As the client says it.
    content
        Packed elements; or a list of values, flat or nested; or a flat array. A long list is not read yet.
    """

    name: str
    datatype: str
    shape: Sequence[int]
    content: Content | Listed

    def having(self, content: Content) -> Tensor:
        """Give one that is alike, but for its content."""
        return Tensor(self.name, self.datatype, self.shape, content)


class Wanted(Struct, frozen=True):
    """An output that is asked for, and whether its elements are to come packed."""

    name: str
    binary: bool = False


class Inference(Struct, frozen=True, kw_only=True):
    """A request to run a model on tensors.

    Parameters
    ----------
    id
        The client's name for it, which the answer repeats.
    outputs
        What is asked for; nothing stands for all that the model gives.
    binary
        Whether the elements of outputs come packed where `outputs` is empty.
    """

    id: str | None
    tensors: Sequence[Tensor]
    outputs: Sequence[Wanted] = ()
    binary: bool = False
