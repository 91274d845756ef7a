"""JSON with packed tensors behind it, read and written."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modelyard_scoring.answers import Reply
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.errors import FormError, MalformedError, RequestError
from modelyard_scoring.inference.contract import Contract, TensorInput, TensorSpec
from modelyard_scoring.inference.datatype import DTYPES, datatype_of_field
from modelyard_scoring.inference.http import Reader
from modelyard_scoring.inference.packed import Packed
from modelyard_scoring.inference.writer import ServedAs
from modelyard_scoring.service.signature import Field

SERVED = ServedAs(name="m", version="3")
KINDS = ["bool", *(f"{sign}int{8 * size}" for sign in ("", "u") for size in (1, 2, 4, 8)), "float32", "float64"]


def contract(kind, shape, *, nullable=False):
    column = Column(kind, np.dtype(kind), nullable=nullable)
    own = TensorInput(Field(name="x", type=kind, shape=shape), column, "array")
    output = TensorSpec(name="y", datatype=datatype_of_field(kind), shape=(-1, *shape[1:]))
    return Contract([own], [output], {}, 1000)


@st.composite
def finite_arrays(draw):
    kind = draw(st.sampled_from(KINDS))
    shape = draw(arrays.array_shapes(min_dims=1, max_dims=3, max_side=5))
    finite = {"allow_nan": False, "allow_infinity": False} if kind.startswith("float") else None
    return draw(arrays.arrays(np.dtype(kind), shape, elements=finite))


def request(array, packed):
    tensor = {"name": "x", "shape": array.shape, "datatype": datatype_of_field(str(array.dtype))}
    if packed:
        raw = array.astype(DTYPES[tensor["datatype"]]).tobytes()
        head = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": len(raw)}}]}).encode()
        return head + raw, b"%d" % len(head)
    return json.dumps({"inputs": [{**tensor, "data": array.tolist()}]}).encode(), None


@given(finite_arrays(), st.booleans())
def test_arrays_arrive_as_they_were_sent_and_go_out_so(array, packed):
    body, length = request(array, packed)
    reader = Reader(contract(str(array.dtype), (None, *array.shape[1:])), SERVED)
    for _ in range(2):  # the second time the head is known
        rows = reader.rows(body, length)
        assert rows.count == len(array)
        assert rows.parts[0].dtype == array.dtype
        np.testing.assert_array_equal(rows.parts[0], array)
    answer = json.loads(rows.write({"y": array}))
    assert (answer["model_name"], answer["model_version"], answer["outputs"][0]["shape"]) == ("m", "3", [*array.shape])
    np.testing.assert_array_equal(np.array(answer["outputs"][0]["data"], array.dtype), array.reshape(-1))


@given(finite_arrays())
def test_packed_outputs_are_the_bytes_of_the_array(array):
    body, length = request(array, packed=True)
    changed = body[:1] + b'"parameters":{"binary_data_output":true},' + body[1:]
    made = contract(str(array.dtype), (None, *array.shape[1:]))
    reply = Reader(made, SERVED).rows(changed, b"%d" % (int(length) + len(changed) - len(body))).write({"y": array})
    assert isinstance(reply, Reply)
    size = int(reply.headers.split(b": ")[1])
    assert reply.body[size:] == array.tobytes()
    assert json.loads(reply.body[:size])["outputs"][0]["parameters"] == {"binary_data_size": array.nbytes}


@given(st.binary(max_size=300), st.one_of(st.none(), st.binary(max_size=6)))
def test_a_body_of_any_bytes_is_refused(body, length):
    with pytest.raises(RequestError):
        Reader(contract("float32", (None, 2)), SERVED).rows(body, length)


@pytest.mark.parametrize(
    ("data", "row"),
    [
        ([[[1, 2], [3, 4]], [[1, 2], [3]]], 1),
        ([[[1, 2], [3, 4]], [[1, 2]]], 1),
        ([[[1, 2], 5], [[1, 2], [3, 4]]], 0),
        ([[[1, 2], [3, 4]]], None),
    ],
)
def test_ragged_data_are_told_with_their_row(data, row):
    body = json.dumps({"inputs": [{"name": "x", "shape": [2, 2, 2], "datatype": "FP32", "data": data}]}).encode()
    with pytest.raises(FormError) as caught:
        Reader(contract("float32", (None, 2, 2)), SERVED).rows(body, None)
    assert caught.value.facts.get("row") == row


def test_a_shape_with_a_free_size_says_what_stands_for_it():
    body = json.dumps({"inputs": [{"name": "x", "shape": [-1, 4], "datatype": "FP32", "data": []}]}).encode()
    with pytest.raises(FormError, match=r"\[-1, 4\], any from 1 for each -1, of the tensor 'x', got \[-1, 4\]"):
        Reader(contract("float32", (None, 4)), SERVED).rows(body, None)


TENSOR = '"name": "x", "shape": [1, 2], "datatype": "FP32"'
INPUT = f'{{{TENSOR}, "data": [1, 2]}}'


@pytest.mark.parametrize(
    "text",
    [
        f'{{"inputs": [{{{TENSOR}, "data": [9, 9], "data": [1, 2]}}]}}',
        f'{{"inputs": [], "inputs": [{INPUT}]}}',
        f'{{"inputs": [], "inp\\u0075ts": [{INPUT}]}}',
        f'{{"id": "a", "id": "a", "inputs": [{INPUT}]}}',
        f'{{"parameters": {{"a": 1, "a": 1}}, "inputs": [{INPUT}]}}',
        f'{{"parameters": {{"a": {{"b": 1, "b": 1}}}}, "inputs": [{INPUT}]}}',
        f'{{"outputs": [{{"name": "z", "name": "y"}}], "inputs": [{INPUT}]}}',
        f'{{"more": [{{"a": 1, "a": 1}}], "inputs": [{INPUT}]}}',
        f'{{"more": 1, "more": "::", "inputs": [{INPUT}]}}',
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_name_that_comes_twice_is_refused_wherever_it_is(text, packed):
    reader = Reader(contract("float32", (None, 2)), SERVED)
    if packed:
        text = text.replace('"data": [1, 2]', '"parameters": {"binary_data_size": 8}').replace('"data": [9, 9], ', "")
        text = text.replace(TENSOR, f'"name": "x", {TENSOR}', 1)
    body = text.encode()
    for _ in range(2):
        with pytest.raises(MalformedError, match="comes twice"):
            reader.rows(body + bytes(8 if packed else 0), b"%d" % len(body))


IGNORED = [b'"a": "\xff"', b'"\xff": 1', b'"a": 1e999', b'"a": [{"b": "\xc0\x80"}]', b'"a": NaN']


@pytest.mark.parametrize("more", IGNORED)
def test_what_is_ignored_is_json_too(more):
    body = b'{%b, "inputs": [%b]}' % (more, INPUT.encode())
    with pytest.raises(MalformedError):
        Reader(contract("float32", (None, 2)), SERVED).rows(body, None)


@pytest.mark.parametrize("more", ['"more": {"a": ":"}', '"id": null', '"id": "a:b"', '"parameters": {"a": []}'])
def test_other_names_and_colons_change_nothing(more):
    rows = Reader(contract("float32", (None, 2)), SERVED).rows(f'{{{more}, "inputs": [{INPUT}]}}'.encode(), None)
    assert rows.parts[0].tolist() == [[1, 2]]


def test_a_missing_number_in_the_output_is_null():
    body, length = request(np.zeros((1, 2), np.float32), packed=False)
    rows = Reader(contract("float32", (None, 2)), SERVED).rows(body, length)
    assert json.loads(rows.write({"y": np.array([np.nan, np.inf, 1], np.float32)}))["outputs"][0]["data"] == [
        None,
        None,
        1,
    ]


def test_a_known_head_is_held_against_what_comes_behind_it():
    reader = Reader(contract("float32", (None, 2)), SERVED)
    body, length = request(np.ones((2, 2), np.float32), packed=True)
    for _ in range(2):
        assert reader.rows(body, length).parts[0].tolist() == [[1, 1], [1, 1]]
        for wrong in (body[:-1], body + b"\0", body[:-4] + b"\0\0\xc0\x7f"):
            with pytest.raises(RequestError):
                reader.rows(wrong, length)


def test_known_heads_of_several_lengths_do_not_get_in_each_others_way():
    reader = Reader(contract("float32", (None, 2)), SERVED, put_off=True)
    bodies = [request(np.full((count, 2), count, np.float32), packed=True) for count in (1, 2, 30)]
    for body, length in bodies * 3:
        work = reader.rows(body, length)
        rows = work.read() if isinstance(work, Packed) else work
        assert rows.count == len(rows.parts[0]) == rows.parts[0][0, 0]
    assert isinstance(work, Packed)


@pytest.mark.parametrize(("kind", "nullable"), [("float32", True), ("bool", False)])
def test_elements_that_are_looked_at_one_by_one_are_not_put_off(kind, nullable):
    reader = Reader(contract(kind, (None, 2), nullable=nullable), SERVED, put_off=True)
    body, length = request(np.ones((2, 2), kind), packed=True)
    for _ in range(3):
        assert reader.rows(body, length).parts[0].tolist() == [[1, 1], [1, 1]]


def test_each_answer_has_its_own_id():
    reader = Reader(contract("float32", (None, 2)), SERVED)
    for number in range(3):
        head = json.dumps({"id": str(number), "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32"}]})
        head = head.replace('"FP32"', '"FP32", "parameters": {"binary_data_size": 8}').encode()
        rows = reader.rows(head + bytes(8), b"%d" % len(head))
        assert json.loads(rows.write({"y": np.zeros(1, np.float32)}))["id"] == str(number)
