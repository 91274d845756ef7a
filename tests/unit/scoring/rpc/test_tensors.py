"""Tensors in messages are read in steps, if they are large."""

import numpy as np
import pytest

from modelyard_scoring.decoding.column import Column
from modelyard_scoring.errors import FormError
from modelyard_scoring.inference.contract import Contract, TensorInput
from modelyard_scoring.inference.datatype import datatype_of_field, pack
from modelyard_scoring.inference.writer import ServedAs
from modelyard_scoring.rpc.messages import Messages
from modelyard_scoring.rpc.tensors import read_rows
from modelyard_scoring.service.signature import Field

MESSAGES = Messages()


def read(kind, count, **content):
    """The array that a tensor of one axis becomes, and in how many steps."""
    field = Field(name="x", type=kind, shape=(None,))
    own = TensorInput(field, Column(kind, np.dtype("O" if kind == "string" else kind), nullable=False), "frame")
    raw = content.pop("raw", [])
    tensor = {"name": "x", "datatype": datatype_of_field(kind), "shape": [count], "contents": content or None}
    message = MESSAGES.ModelInferRequest(inputs=[tensor], raw_input_contents=raw)
    steps = read_rows(message, Contract([own], [], {}, 10**6), ServedAs(name="m", version="1"), MESSAGES)
    taken = 1
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value.parts[0].tolist(), taken
        taken += 1


@pytest.mark.parametrize("count", [1, 2**12, 2**12 + 1, 50_000])
def test_all_values_arrive_in_order(count):
    texts = [f"\u00e9{place}" for place in range(count)]
    assert read("string", count, raw=[pack(texts)])[0] == texts
    assert read("string", count, bytes_contents=[text.encode() for text in texts])[0] == texts
    assert read("float32", count, fp32_contents=range(count))[0] == list(range(count))
    assert read("uint8", count, uint_contents=[place % 256 for place in range(count)])[0][-1] == (count - 1) % 256


def test_many_values_take_many_steps_and_few_take_one():
    texts = ["x"] * 50_000
    assert read("string", 50_000, raw=[pack(texts)])[1] > 2 * (50_000 // 2**11)
    assert read("string", 50_000, bytes_contents=[b"x"] * 50_000)[1] > 50_000 // 2**11 + 50_000 // 2**12
    assert read("int64", 50_000, int64_contents=range(50_000))[1] > 50_000 // 2**12
    assert read("string", 100, raw=[pack(texts[:100])])[1] == 1
    assert read("string", 100, bytes_contents=[b"x"] * 100)[1] == 1
    assert read("int64", 100, int64_contents=range(100))[1] == 1


def test_a_text_that_is_not_utf8_is_named_by_its_place():
    with pytest.raises(FormError, match="element 9000"):
        read("string", 10_000, bytes_contents=[*[b"x"] * 9000, b"\xff", *[b"x"] * 999])
