"""Requests and answers over HTTP: JSON, and JSON with packed tensors behind it.

The second is the binary tensor data extension: a header says how long the JSON is, and each tensor in it how long
its elements are, which follow in the order of the tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
import numpy as np
import orjson
from msgspec import UNSET, Meta, Struct, UnsetType
from numpy.typing import NDArray

from modelyard_scoring.answers import Answer, Reply
from modelyard_scoring.decoding import document
from modelyard_scoring.decoding.rows import Rows, Write
from modelyard_scoring.errors import BodySizeError, FormError
from modelyard_scoring.inference.contract import Contract, TensorInput
from modelyard_scoring.inference.datatype import BYTES, datatype_of, elements
from modelyard_scoring.inference.request import Content, Inference, Tensor, Wanted

LENGTH_HEADER: Final = b"inference-header-content-length"
PACKED: Final = b"application/octet-stream"
MAX_JSON: Final = 3 * 2**19
"""Bytes of JSON that are read at once, in about a tenth of a second; packed tensors take no time to read."""
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
        asked = _inference(whole, size)
        self._contract.check_outputs(asked.outputs)
        rows = self._contract.rows(asked.tensors, Writer(self._served, asked))
        if asked.id is None and head and len(self._layouts) < _KEPT:
            self._keep(head, asked, rows)
        return rows

    def _keep(self, head: bytes, asked: Inference, rows: Rows) -> None:
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


def read_inference(body: bytes | bytearray, length: bytes | None) -> Inference:
    """Read a request, whatever model it is for.

    Raises
    ------
    MalformedError
        If it is not JSON.
    FormError
        If it is no request, or the bytes of its tensors are more or fewer than it says.
    BodySizeError
        If it has more JSON than `MAX_JSON`.
    """
    whole = memoryview(body)
    return _inference(whole, len(whole) if length is None else _header_length(length, len(whole)))


def _inference(whole: memoryview, size: int) -> Inference:
    if size > MAX_JSON:
        raise BodySizeError(MAX_JSON, "The JSON of an inference request", "send larger tensors packed")
    request = _parsed(whole[:size])
    binary = _flag(request.parameters, "binary_data_output")
    return Inference(
        id=request.id,
        tensors=list(_tensors(request.inputs, whole[size:])),
        outputs=[_wanted(one, binary=binary) for one in request.outputs or ()],
        binary=binary,
    )


def _with(tensor: Tensor, content: memoryview) -> Tensor:
    return Tensor(tensor.name, tensor.datatype, tensor.shape, content)


def _parsed(head: memoryview) -> _Request:
    text = bytes(head)
    try:
        request = _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        document.parse(text)
        problem = str(error) if isinstance(error, msgspec.ValidationError) else "another document"
        raise FormError('an inference request {"inputs": [...]}', problem[:300]) from None
    if _has_more_colons(text, _colons(request)):  # a name may have come twice, or with what was not looked at
        document.parse(text)
    return request


def _has_more_colons(text: bytes, count: int) -> bool:
    """Tell whether there are more than a few; to find them takes a fraction of what `bytes.count` takes."""
    place = -1
    for _ in range(count + 1):
        place = text.find(b":", place + 1)
        if place < 0:
            return False
    return True


def _colons(request: _Request) -> int:
    """Count the names that were read, each of which has a colon behind it; others lie only in texts."""
    count = 1 + (request.id is not None) + (request.outputs is not None) + _named(request.parameters)
    for one in request.inputs:
        count += 3 + (one.data is not UNSET) + _named(one.parameters)
    for output in request.outputs or ():
        count += 1 + _named(output.parameters)
    return count


def _named(parameters: Parameters) -> int:
    return len(parameters) + 1 if parameters else 0


def _header_length(value: bytes, most: int) -> int:
    text = value.decode("latin-1")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
        raise FormError(f"a number up to {most}, the bytes of the body, as {LENGTH_HEADER.decode()}", repr(text[:40]))
    return int(text)


def _tensors(inputs: Sequence[_Input], packed: memoryview) -> Iterator[Tensor]:
    place = 0
    for one in inputs:
        content: Content
        size = one.parameters.get("binary_data_size")
        if (size is None) is (one.data is UNSET):
            raise FormError(f'"data" or "binary_data_size" of the tensor {one.name[:100]!r}', "both or neither")
        _refuse_parameters(one.name, one.parameters)
        if size is None:
            content = one.data  # type: ignore[assignment] # it is set
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
        written, packed = [], []
        for one in wanted:
            array = outputs[one.name]
            datatype = datatype_of(array.dtype)
            tensor: dict[str, Any] = {"name": one.name, "datatype": datatype, "shape": array.shape}
            if one.binary:
                packed.append(elements(array, datatype))
                tensor["parameters"] = {"binary_data_size": len(packed[-1])}
            else:
                flat = array.reshape(-1)
                tensor["data"] = flat.tolist() if datatype == BYTES else np.ascontiguousarray(flat)
            written.append(tensor)
        head = orjson.dumps({**self._start, "outputs": written}, option=orjson.OPT_SERIALIZE_NUMPY)
        if not packed:
            return head
        header = b"Inference-Header-Content-Length: %d\r\n" % len(head)
        return Reply(body=b"".join([head, *packed]), kind=PACKED, headers=header)
