"""Requests over HTTP: JSON, and JSON with packed tensors behind it.

The second is the binary tensor data extension: a header says how long the JSON is, and each tensor in it how long
its elements are, which follow in the order of the tensors.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from modelyard_scoring.decoding import document
from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.errors import FormError
from modelyard_scoring.inference.contract import Contract
from modelyard_scoring.inference.listed import Listed, cut
from modelyard_scoring.inference.packed import Layout, Packed, Place
from modelyard_scoring.inference.request import Content, Inference, Tensor, Wanted
from modelyard_scoring.inference.writer import ServedAs, Writer
from modelyard_scoring.turns import LARGE

LENGTH_HEADER: Final = b"inference-header-content-length"
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


Headers = Mapping[bytes, bytes]
_KEPT = 100  # heads
_LONGEST_KEPT = 4096  # bytes
_NONE_SEEN: tuple[Headers, None] = ({}, None)
_decode = msgspec.json.Decoder(_Request).decode


class Reader:
    """Reads requests for one model.

    Clients send the same head again and again. Those that were right are kept, as many as `_KEPT`, and what comes
    with them again is held only against the sizes and values that they say.

    Parameters
    ----------
    put_off
        Whether elements that come behind a known head may be left for the run.
    """

    def __init__(self, contract: Contract, served: ServedAs, *, put_off: bool = False) -> None:
        self._contract = contract
        self._served = served
        self._put_off = put_off
        self._layouts: dict[bytes, Layout] = {}
        self._seen: dict[int, tuple[Headers, Layout]] = {}

    def find(self, headers: Headers, body: bytes | bytearray) -> Packed | None:
        """Take a request with the very headers, not only the like, of one that was put off, if it has the same head."""
        _, layout = self._seen.get(id(headers), _NONE_SEEN)
        if layout is None or len(body) != layout.size or not body.startswith(layout.head):
            return None
        return Packed(layout, body, layout.count, layout.write)

    def read(self, headers: Headers, body: bytes | bytearray) -> Rows | Packed:
        """Read a request, or put its reading off; raises what `rows` does."""
        work = self.rows(body, headers.get(LENGTH_HEADER))
        self._see(headers, work)
        return work

    def read_in_steps(self, headers: Headers, body: bytes) -> Generator[None, None, Rows | Packed]:
        """Read a large request as `read` does, in steps."""
        work = yield from self.rows_in_steps(body, headers.get(LENGTH_HEADER))
        self._see(headers, work)
        return work

    def rows(self, body: bytes | bytearray, length: bytes | None) -> Rows | Packed:
        """Read a request, or put its reading off.

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
        size = _header_length(length, len(whole))
        text = bytes(whole[:size])
        head = text if size <= _LONGEST_KEPT else b""
        layout = self._layouts.get(head)
        if layout is not None and layout.size == len(whole):
            return self._packed(layout, body) or layout.read(body)
        asked = _inference(text, whole[size:])
        self._contract.check_outputs(asked.outputs)
        rows = self._contract.rows(asked.tensors, Writer(self._served, asked))
        self._keep(head, len(whole), asked, rows)
        return rows

    def rows_in_steps(self, body: bytes, length: bytes | None) -> Generator[None, None, Rows | Packed]:
        """Read a large request as `rows` does, in steps; of several mistakes the first is told."""
        size = _header_length(length, len(body))
        text = body[:size]
        head = text if size <= _LONGEST_KEPT else b""
        layout = self._layouts.get(head)
        if layout is not None and layout.size == len(body):
            return self._packed(layout, body) or (yield from layout.read_in_steps(body))
        text, lists = (yield from cut(text)) if size > LARGE else (text, [])
        asked = _inference(text, memoryview(body)[size:], lists)
        self._contract.check_outputs(asked.outputs)
        rows = yield from self._contract.rows_in_steps(asked.tensors, Writer(self._served, asked))
        self._keep(head, len(body), asked, rows)
        return rows

    def _see(self, headers: Headers, work: Rows | Packed) -> None:
        """Remember the headers of a request that was put off, for `find`."""
        if isinstance(work, Packed) and b"content-encoding" not in headers:
            if len(self._seen) >= _KEPT:
                self._seen.clear()
            self._seen[id(headers)] = headers, work.layout  # kept, so that no others get their id

    def _packed(self, layout: Layout, body: bytes | bytearray) -> Packed | None:
        """Put the reading of a body off, if it may be."""
        return Packed(layout, body, layout.count, layout.write) if layout.plain and self._put_off else None

    def _keep(self, head: bytes, size: int, asked: Inference, rows: Rows) -> None:
        """Keep the head of a request that was right, if others may have the same."""
        if asked.id is not None or not head or len(self._layouts) >= _KEPT:
            return
        places = self._places(asked, len(head))
        if places is not None:
            self._layouts[head] = Layout(
                head=head,
                size=size,
                count=rows.count,
                places=places,
                shapes=tuple(place.row_shape for place in places),
                plain=all(place.input.plain for place in places),
                write=Writer(self._served, asked),
            )

    def _places(self, asked: Inference, start: int) -> tuple[Place, ...] | None:
        """Tell where the model's inputs are in a body; None where some are in its JSON."""
        places = {}
        for tensor in asked.tensors:
            if not isinstance(tensor.content, memoryview):
                return None
            end = start + len(tensor.content)
            own, bare = self._contract.inputs[tensor.name], tensor.having(memoryview(b""))
            places[tensor.name] = Place(own, bare, slice(start, end))
            start = end
        return tuple(places[name] for name in self._contract.inputs)


def _inference(text: bytes, packed: memoryview, lists: Sequence[Listed | None] = ()) -> Inference:
    """Read the JSON of a request; `lists` are the data of its tensors, where they were taken out of it."""
    request = _parsed(text)
    binary = _flag(request.parameters, "binary_data_output")
    return Inference(
        id=request.id,
        tensors=list(_tensors(request.inputs, packed, lists)),
        outputs=[_wanted(one, binary=binary) for one in request.outputs or ()],
        binary=binary,
    )


def _parsed(text: bytes) -> _Request:
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


def _header_length(value: bytes | None, most: int) -> int:
    if value is None:
        return most
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
