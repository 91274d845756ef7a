"""Answers over HTTP: JSON, and the packed elements of what was asked for so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

from msgspec import Struct
from numpy.typing import NDArray

from modelyard_scoring.answers import Answer, Reply
from modelyard_scoring.formats import json
from modelyard_scoring.inference.datatype import BYTES, datatype_of, elements
from modelyard_scoring.inference.request import Inference, Wanted

PACKED: Final = b"application/octet-stream"


class ServedAs(Struct, frozen=True, kw_only=True):
    """What answers call a model."""

    name: str
    version: str


class Columns:
    """The outputs of a run as packed elements, to be cut among the requests.

    Attributes
    ----------
    packed
        For each output the elements of all rows, and how many bytes of them are a row's.
    kinds
        The names, the types and the shapes of a row: with a number of rows, all that heads of answers depend on.
    """

    def __init__(self, outputs: Mapping[str, NDArray[Any]], packed: Mapping[str, bytes]) -> None:
        self._outputs = outputs
        self.packed = {name: (one, len(one) // len(outputs[name])) for name, one in packed.items()}
        self.kinds = [(name, array.dtype, array.shape[1:]) for name, array in outputs.items()]

    @classmethod
    def of(cls, outputs: Mapping[str, NDArray[Any]], count: int) -> Self | None:
        """Pack the outputs for `count` rows; None where one has no item for each row, or items of no fixed size."""
        packed = {}
        for name, array in outputs.items():
            datatype = datatype_of(array.dtype)
            if datatype == BYTES or array.shape[:1] != (count,) or not array.size:
                return None
            packed[name] = elements(array, datatype)
        return cls(outputs, packed)

    def rows(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Give some rows of each output."""
        return {name: array[start:stop] for name, array in self._outputs.items()}


class Writer:
    """Writes the answers to requests that ask for the same.

    Attributes
    ----------
    packs
        Whether all that is asked for is to come packed.
    """

    def __init__(self, served: ServedAs, asked: Inference) -> None:
        self._asked = asked
        self._start: dict[str, Any] = {"model_name": served.name, "model_version": served.version}
        if asked.id is not None:
            self._start["id"] = asked.id
        self.packs = all(one.binary for one in asked.outputs) if asked.outputs else asked.binary
        self._names = [one.name for one in asked.outputs]
        self._last: tuple[list[Any], int, bytes, bytes] = ([], 0, b"", b"")

    def __call__(self, outputs: Mapping[str, NDArray[Any]]) -> Answer:
        """Write an answer."""
        wanted = self._asked.outputs or [Wanted(name, self._asked.binary) for name in outputs]
        written, packed, size = [], [], 0
        for one in wanted:
            array = outputs[one.name]
            datatype = datatype_of(array.dtype)
            tensor: dict[str, Any] = {"name": one.name, "datatype": datatype, "shape": array.shape}
            if one.binary:
                packed.append(elements(array, datatype))
                tensor["parameters"] = {"binary_data_size": len(packed[-1])}
            else:
                tensor["data"] = json.plain(array.reshape(-1))
                size += array.size
            written.append(tensor)
        head = json.write({**self._start, "outputs": written}, size)
        if not packed:
            return head
        header = b"Inference-Header-Content-Length: %d\r\n" % len(head)
        return Reply(body=b"".join([head, *packed]), kind=PACKED, headers=header)

    def cut(self, columns: Columns, start: int, stop: int) -> Answer:
        """Write the answer for some rows of a batch, with the head of the answer before if it is the same."""
        kinds, count, head, headers = self._last
        if kinds != columns.kinds or count != stop - start:
            return self._learn(columns, start, stop)
        parts = [head]
        for name in self._names or columns.packed:
            packed, width = columns.packed[name]
            parts.append(packed[start * width : stop * width])
        return Reply(body=b"".join(parts), kind=PACKED, headers=headers)

    def _learn(self, columns: Columns, start: int, stop: int) -> Answer:
        answer = self(columns.rows(start, stop))
        if isinstance(answer, Reply):
            count = stop - start
            size = len(answer.body) - count * sum([columns.packed[name][1] for name in self._names or columns.packed])
            self._last = (columns.kinds, count, answer.body[:size], answer.headers)
        return answer
