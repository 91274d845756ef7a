"""Requests and answers over HTTP: JSON, and JSON with packed tensors behind it.

The second is the binary tensor data extension: a header says how long the JSON is, and each tensor in it how long
its elements are, which follow in the order of the tensors.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from numpy.typing import NDArray

from modelyard_scoring.answers import Answer, Reply
from modelyard_scoring.decoding import document
from modelyard_scoring.decoding.rows import Rows, Write
from modelyard_scoring.errors import FormError
from modelyard_scoring.formats import json
from modelyard_scoring.inference.contract import Contract, TensorInput
from modelyard_scoring.inference.datatype import datatype_of, elements
from modelyard_scoring.inference.listed import Listed, cut
from modelyard_scoring.inference.request import Content, Inference, Tensor, Wanted
from modelyard_scoring.turns import LARGE

LENGTH_HEADER: Final = b"inference-header-content-length"
PACKED: Final = b"application/octet-stream"
# what they ask for would give another answer, or reach into the memory of this machine
_NOT_SERVED: Final = ("shared_memory_region", "classification")

Parameters = dict[str, Any]


Size = Annotated[int, Meta(ge=-(2**62), le=2**62)]


class _Input(Struct, kw_only=True):
    name: str
    shape: Annotated[list[Size], Meta(max_length=32)]
    datatype: str
    parameters: Parameters = {}
    data: list[Any] | UnsetType = UNSET


class _Output(Struct, kw_only=True):
    name: str
    parameters: Parameters = {}


class _Request(Struct, kw_only=True):
    inputs: list[_Input]
    id: str | None = None
    parameters: Parameters = {}
    outputs: list[_Output] | None = None


class ServedAs(Struct, frozen=True, kw_only=True):
    """What answers call a model."""

    name: str
    version: str


_KEPT = 100  # heads
_LONGEST_KEPT = 4096  # bytes
_decode = msgspec.json.Decoder(_Request).decode


class Layout(Struct, frozen=True, kw_only=True):
    """What a head says, which holds for all requests that have it and packed tensors of `size` bytes behind it.

    Parameters
    ----------
    places
        For each input of the model what it is to be, and where its elements are.
    """

    places: tuple[tuple[TensorInput, Tensor, int, int], ...]
    size: int
    count: int
    write: Write


class Reader:
    """Reads requests for one model.

    Clients send the same head again and again. Those that were right are kept, as many as `_KEPT`, and what comes
    with them again is held only against the sizes and values that they say.
    """

    def __init__(self, contract: Contract, served: ServedAs) -> None:
        self._contract = contract
        self._served = served
        self._layouts: dict[bytes, Layout] = {}

    def rows(self, body: bytes | bytearray, length: bytes | None) -> Rows:
        """Read a request.

        Parameters
        ----------
        length
            How many bytes of the body are JSON, as the header says; None for all.

        Raises
        ------
        RequestError
            Which says what is wrong with it.
        """
        whole = memoryview(body)
        size = len(whole) if length is None else _header_length(length, len(whole))
        head = bytes(whole[:size]) if size <= _LONGEST_KEPT else b""
        layout = self._layouts.get(head)
        if layout is not None and layout.size == len(whole) - size:
            packed = whole[size:]
            parts = [one.read(_with(tensor, packed[start:end])) for one, tensor, start, end in layout.places]
            return Rows(layout.count, tuple(parts), layout.write)
        asked = _inference(whole[:size], whole[size:])
        self._contract.check_outputs(asked.outputs)
        rows = self._contract.rows(asked.tensors, Writer(self._served, asked))
        self._keep(head, asked, rows)
        return rows

    def rows_in_steps(self, body: bytes, length: bytes | None) -> Generator[None, None, Rows]:
        """Read a large request as `rows` does, in steps; of several mistakes the first is told."""
        whole = memoryview(body)
        size = len(whole) if length is None else _header_length(length, len(whole))
        head = body[:size] if size <= _LONGEST_KEPT else b""
        layout = self._layouts.get(head)
        if layout is not None and layout.size == len(whole) - size:
            packed, parts = whole[size:], []
            for one, tensor, start, end in layout.places:
                parts.append((yield from one.read_in_steps(_with(tensor, packed[start:end]))))
            return Rows(layout.count, tuple(parts), layout.write)
        text, lists = (yield from cut(body[:size])) if size > LARGE else (body[:size], [])
        asked = _inference(text, whole[size:], lists)
        self._contract.check_outputs(asked.outputs)
        rows = yield from self._contract.rows_in_steps(asked.tensors, Writer(self._served, asked))
        self._keep(head, asked, rows)
        return rows

    def _keep(self, head: bytes, asked: Inference, rows: Rows) -> None:
        if asked.id is not None or not head or len(self._layouts) >= _KEPT:
            return
        places = {}
        end = 0
        for tensor in asked.tensors:
            if not isinstance(tensor.content, memoryview):
                return
            start, end = end, end + len(tensor.content)
            places[tensor.name] = (start, end)
        named = {tensor.name: _with(tensor, memoryview(b"")) for tensor in asked.tensors}
        kept = tuple((one, named[name], *places[name]) for name, one in self._contract.inputs.items())
        write = rows.write or Writer(self._served, asked)
        self._layouts[head] = Layout(places=kept, size=end, count=rows.count, write=write)


def _inference(text: bytes | memoryview, packed: memoryview, lists: Sequence[Listed | None] = ()) -> Inference:
    """Read the JSON of a request; `lists` are the data of its tensors, where they were taken out of it."""
    request = _parsed(text)
    binary = _flag(request.parameters, "binary_data_output")
    return Inference(
        id=request.id,
        tensors=list(_tensors(request.inputs, packed, lists)),
        outputs=[_wanted(one, binary=binary) for one in request.outputs or ()],
        binary=binary,
    )


def _with(tensor: Tensor, content: memoryview) -> Tensor:
    return Tensor(tensor.name, tensor.datatype, tensor.shape, content)


def _parsed(head: bytes | memoryview) -> _Request:
    try:
        return _decode(head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        document.parse(bytes(head))
        problem = str(error) if isinstance(error, msgspec.ValidationError) else "another document"
        raise FormError('an inference request {"inputs": [...]}', problem[:300]) from None


def _header_length(value: bytes, most: int) -> int:
    text = value.decode("latin-1")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
        raise FormError(f"a number up to {most}, the bytes of the body, as {LENGTH_HEADER.decode()}", repr(text[:40]))
    return int(text)


def _tensors(inputs: Sequence[_Input], packed: memoryview, lists: Sequence[Listed | None]) -> Iterator[Tensor]:
    place = 0
    for number, one in enumerate(inputs):
        content: Content
        size = one.parameters.get("binary_data_size")
        if (size is None) is (one.data is UNSET):
            raise FormError(f'"data" or "binary_data_size" of the tensor {one.name[:100]!r}', "both or neither")
        _refuse_parameters(one.name, one.parameters)
        if size is None:
            content = (lists[number] if lists else None) or one.data  # type: ignore[assignment] # it is set
        else:
            if type(size) is not int or not 0 <= size <= len(packed) - place:
                wanted = f"up to {len(packed) - place} bytes, those after the JSON, in the tensor {one.name[:100]!r}"
                raise FormError(wanted, str(size)[:40])
            content = packed[place : place + size]
            place += size
        yield Tensor(one.name, one.datatype, one.shape, content)
    if place < len(packed):
        raise FormError(f"{place} bytes after the JSON, as its tensors say", str(len(packed)))


def _wanted(output: _Output, *, binary: bool) -> Wanted:
    _refuse_parameters(output.name, output.parameters)
    if "binary_data" in output.parameters:
        binary = _flag(output.parameters, "binary_data")
    return Wanted(output.name, binary)


def _refuse_parameters(name: str, parameters: Parameters) -> None:
    for one in _NOT_SERVED:
        if one in parameters:
            raise FormError(f"no parameter {one!r} of the tensor {name[:100]!r}, which is not served here", "it")


def _flag(parameters: Parameters, name: str) -> bool:
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise FormError(f"true or false as {name!r}", str(value)[:40])
    return value


class Writer:
    """Writes the answer of a request: JSON, and the packed elements of what was asked for so."""

    def __init__(self, served: ServedAs, asked: Inference) -> None:
        self._asked = asked
        self._start: dict[str, Any] = {"model_name": served.name, "model_version": served.version}
        if asked.id is not None:
            self._start["id"] = asked.id

    def __call__(self, outputs: Mapping[str, NDArray[Any]]) -> Answer:
        """Write it."""
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
