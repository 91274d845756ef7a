"""How much there is to read in a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_scoring.errors import BodySizeError, FormError
from modelyard_scoring.rpc.messages import Messages
from modelyard_scoring.rpc.outline import MAX_LISTED, MAX_PARTS, _fields, outline

MESSAGES = Messages()
TENSOR = {"name": "input", "datatype": "FP32", "shape": [2, 4]}


def message(**fields):
    return MESSAGES.ModelInferRequest(model_name="double", **fields).SerializeToString()


def test_packed_tensors_of_any_size_are_a_few_parts():
    body = message(inputs=[TENSOR, TENSOR], raw_input_contents=[bytes(10 * MAX_LISTED), bytes(MAX_LISTED)])
    assert list(outline(body)) == []


@pytest.mark.parametrize(
    ("contents", "value"),
    [("int64_contents", 1), ("bool_contents", True), ("fp32_contents", 1.5), ("fp64_contents", 1.5)],
)
def test_listed_numbers_are_bounded(contents, value):
    fits = message(inputs=[{**TENSOR, "contents": {contents: [value] * (MAX_LISTED - 100)}}])
    assert list(outline(fits)) == []
    with pytest.raises(BodySizeError, match="send larger tensors in raw_input_contents"):
        list(outline(message(inputs=[{**TENSOR, "contents": {contents: [value] * (MAX_LISTED + 1)}}])))


@pytest.mark.parametrize(
    "fields",
    [
        {"inputs": [{}] * (MAX_PARTS // 8 + 1)},
        {"outputs": [{}] * (MAX_PARTS // 8 + 1)},
        {"raw_input_contents": [b""] * (MAX_PARTS + 1)},
        {"inputs": [{"contents": {"bytes_contents": [b""] * (MAX_PARTS + 1)}}]},
        {"inputs": [{"contents": {"bytes_contents": [b""] * (MAX_PARTS // 2)}}] * 2},
        {"inputs": [{"parameters": {str(number): {} for number in range(MAX_PARTS)}}]},
    ],
    ids=["inputs", "outputs", "packed", "texts", "texts of two", "parameters"],
)
def test_more_parts_than_may_be_are_refused(fields):
    with pytest.raises(FormError, match=f"at most {MAX_PARTS}"):
        list(outline(message(**fields)))


def test_many_parts_are_looked_at_in_steps():
    body = message(inputs=[{"contents": {"bytes_contents": [b"text"] * 100_000}}])
    assert len(list(outline(body))) > 10


def test_each_field_is_seen_once_with_its_depth():
    body = message(
        id="x", inputs=[{**TENSOR, "contents": {"bytes_contents": [b"a", b"bc"]}}], raw_input_contents=[b"d"]
    )
    seen = list(_fields(body))
    assert [number for depth, number, _ in seen if depth == 0] == [1, 3, 5, 7]
    assert [number for depth, number, _ in seen if depth == 1] == [1, 2, 3, 5]
    assert [(number, size) for depth, number, size in seen if depth == 2] == [(8, 1), (8, 2)]


@given(st.binary(max_size=300))
def test_any_bytes_have_an_end(body):
    assert list(outline(body)) == []


@given(st.data())
def test_a_message_that_is_cut_off_has_an_end(data):
    body = message(inputs=[TENSOR] * 3, outputs=[{"name": "a"}], raw_input_contents=[b"abcdefgh"] * 3)
    assert list(outline(body[: data.draw(st.integers(0, len(body)))])) == []
