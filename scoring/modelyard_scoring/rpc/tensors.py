"""Tensors in messages: packed, or as lists of values of a type."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.errors import FormError
from modelyard_scoring.inference.contract import Contract
from modelyard_scoring.inference.datatype import BYTES, datatype_of, elements, encoded, text
from modelyard_scoring.inference.request import Content, Inference, Tensor, Wanted
from modelyard_scoring.inference.writer import ServedAs
from modelyard_scoring.rpc.messages import Messages

_LISTS = {
    "BOOL": ("bool_contents", np.bool_),
    **{f"INT{bits}": ("int_contents", np.int32) for bits in (8, 16, 32)},
    "INT64": ("int64_contents", np.int64),
    **{f"UINT{bits}": ("uint_contents", np.uint32) for bits in (8, 16, 32)},
    "UINT64": ("uint64_contents", np.uint64),
    "FP32": ("fp32_contents", np.float32),
    "FP64": ("fp64_contents", np.float64),
}
"""The field that holds values of a datatype, and their type there; FP16 is only sent packed."""
_MOST_SIZES = 32  # as over HTTP
_IN_STEP = 2**12  # values that are read
_AT_ONCE = 2**16  # values that are written


def read_rows(message: Any, contract: Contract, served: ServedAs, messages: Messages) -> Generator[None, None, Rows]:
    """Read a ``ModelInferRequest``, in steps if that takes long.

    Raises
    ------
    RequestError
        Which says what is wrong with it.
    """
    for one in message.inputs:
        if len(one.shape) > _MOST_SIZES:
            raise FormError(f"at most {_MOST_SIZES} sizes in the shape of a tensor", str(len(one.shape)))
    packed = len(message.raw_input_contents) > 0
    tensors = list(_packed(message)) if packed else (yield from _listed(message))
    outputs = [Wanted(one.name) for one in message.outputs]
    asked = Inference(id=message.id or None, tensors=tensors, outputs=outputs, binary=packed)
    contract.check_outputs(outputs)
    return (yield from contract.rows_in_steps(tensors, partial(_write, messages, served, asked)))


def _packed(message: Any) -> Iterator[Tensor]:
    raw = message.raw_input_contents
    if len(raw) != len(message.inputs):
        raise FormError(f"{len(message.inputs)} raw_input_contents, one for each input", str(len(raw)))
    for one, content in zip(message.inputs, raw, strict=True):
        if one.HasField("contents"):
            raise FormError(f"contents or raw_input_contents of the tensor {one.name[:100]!r}", "both")
        yield Tensor(one.name, one.datatype, one.shape, memoryview(content))


def _listed(message: Any) -> Generator[None, None, list[Tensor]]:
    tensors = []
    for one in message.inputs:
        filled = [field.name for field, _ in one.contents.ListFields()]
        if len(filled) > 1:
            raise FormError(f"one kind of contents in the tensor {one.name[:100]!r}", " and ".join(filled))
        content: Content = []
        if one.datatype == BYTES:
            content = yield from _texts(one.contents.bytes_contents, one.name[:100])
        elif one.datatype in _LISTS:
            field, kind = _LISTS[one.datatype]
            content = yield from _numbers(getattr(one.contents, field), np.dtype(kind))
        tensors.append(Tensor(one.name, one.datatype, one.shape, content))
    return tensors


def _texts(encoded: Sequence[bytes], name: str) -> Generator[None, None, list[str]]:
    texts: list[str] = []
    for start in range(0, len(encoded), _IN_STEP):
        texts += [text(one, name, place) for place, one in enumerate(encoded[start : start + _IN_STEP], start)]
        if len(texts) < len(encoded):
            yield
    return texts


def _numbers(values: Sequence[Any], dtype: np.dtype[Any]) -> Generator[None, None, NDArray[Any]]:
    array = np.empty(len(values), dtype)
    for start in range(0, len(values), _IN_STEP):
        array[start : start + _IN_STEP] = values[start : start + _IN_STEP]
        if start + _IN_STEP < len(values):
            yield
    return array


def _write(messages: Messages, served: ServedAs, asked: Inference, outputs: Mapping[str, NDArray[Any]]) -> bytes:
    """Write a ``ModelInferResponse``: packed if the request was, or if a type can only be sent so."""
    names = [one.name for one in asked.outputs] or list(outputs)
    answer = messages.ModelInferResponse(model_name=served.name, model_version=served.version, id=asked.id or "")
    datatypes = {name: datatype_of(outputs[name].dtype) for name in names}
    packed = asked.binary or "FP16" in datatypes.values()
    for name, datatype in datatypes.items():
        array = outputs[name]
        tensor = answer.outputs.add(name=name, datatype=datatype, shape=array.shape)
        if packed:
            answer.raw_output_contents.append(elements(array, datatype))
        elif datatype == BYTES:
            tensor.contents.bytes_contents.extend(map(encoded, array.reshape(-1)))
        else:
            values, flat = getattr(tensor.contents, _LISTS[datatype][0]), array.reshape(-1)
            for start in range(0, flat.size, _AT_ONCE):  # between two parts other threads may go on
                values.extend(flat[start : start + _AT_ONCE].tolist())
    written: bytes = answer.SerializeToString()
    return written
