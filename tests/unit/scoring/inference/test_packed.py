"""Elements that come behind known heads are read together, and a wrong one by itself."""

import json

import numpy as np
import pytest

from modelyard_scoring.decoding.column import Column
from modelyard_scoring.errors import ValueRefusedError
from modelyard_scoring.inference.contract import Contract, TensorInput, TensorSpec
from modelyard_scoring.inference.http import Reader
from modelyard_scoring.inference.packed import Packed, together
from modelyard_scoring.inference.writer import ServedAs
from modelyard_scoring.service.signature import Field
from modelyard_scoring.turns import at_once

INPUTS = {"a": ("float32", (None, None)), "b": ("int16", (None,))}


@pytest.fixture
def reader():
    return new_reader()


def new_reader():
    inputs = []
    for name, (kind, shape) in INPUTS.items():
        field, column = Field(name=name, type=kind, shape=shape), Column(kind, np.dtype(kind), nullable=False)
        inputs.append(TensorInput(field, column, "frame" if len(shape) == 1 else "array"))
    outputs = [TensorSpec(name="y", datatype="FP32", shape=(-1,))]
    return Reader(
        Contract(inputs, outputs, {one.name: [] for one in inputs}, 100), ServedAs(name="m", version="1"), put_off=True
    )


def put_off(reader, a, b):
    """Give a request that comes for the second time, whose tensors are in another order than the model's."""
    arrays = {"b": np.asarray(b, "<i2"), "a": np.asarray(a, "<f4")}
    datatypes = {"a": "FP32", "b": "INT16"}
    tensors = [
        {"name": name, "datatype": datatypes[name], "shape": one.shape, "parameters": {"binary_data_size": one.nbytes}}
        for name, one in arrays.items()
    ]
    head = json.dumps({"inputs": tensors}).encode()
    body = head + b"".join(one.tobytes() for one in arrays.values())
    for known in (np.zeros_like(arrays["a"]), None):
        sent = body if known is None else head + arrays["b"].tobytes() + known.tobytes()
        work = reader.rows(sent, b"%d" % len(head))
    assert isinstance(work, Packed)
    return work


def test_the_rows_of_several_requests_are_read_as_those_of_one(reader):
    rows = together([put_off(reader, [[1, 2]], [5]), put_off(reader, [[3, 4], [5, 6]], [6, 7])])
    assert rows.count == 3
    assert rows.parts[0].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert rows.parts[1].tolist() == [5, 6, 7]
    assert [part.flags.aligned for part in rows.parts] == [True, True]
    assert [part.dtype for part in rows.parts] == ["float32", "int16"]


def test_rows_of_other_shapes_are_not_read_together(reader):
    assert together([put_off(reader, [[1, 2]], [5]), put_off(reader, [[1, 2, 3, 4]], [5])]) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_told_to_the_one_who_sent_it(reader, value):
    right, wrong = put_off(reader, [[1, 2]], [5]), put_off(reader, [[1, 2], [3, value]], [6, 7])
    assert together([right, wrong]) is None
    assert right.read().parts[0].tolist() == [[1, 2]]
    with pytest.raises(ValueRefusedError) as caught:
        wrong.read()
    assert (caught.value.facts["row"], caught.value.facts["column"]) == (1, 1)


def test_large_numbers_are_finite(reader):
    most = float(np.finfo(np.float32).max)
    assert together([put_off(reader, [[most, -most]], [1])]).parts[0].tolist() == [[most, -most]]


def test_a_request_with_the_very_headers_of_another_is_known_by_them(reader):
    work = put_off(reader, [[1, 2]], [5])
    headers = {b"inference-header-content-length": b"%d" % len(work.layout.head)}
    assert reader.find(headers, work.body) is None
    assert reader.read(headers, work.body) == work
    assert reader.find(headers, work.body) == work
    for other in (work.body[:-1], work.body + b"\0", b"[" + work.body[1:]):
        assert reader.find(headers, other) is None
    assert reader.find(dict(headers), work.body) is None


def test_a_head_is_known_whether_it_comes_with_a_large_body_or_a_small_one(reader):
    work = put_off(reader, [[1, 2]], [5])
    length, other = b"%d" % len(work.layout.head), new_reader()
    headers = {b"inference-header-content-length": length}
    assert at_once(other.read_in_steps(headers, work.body)).parts[0].tolist() == [[1, 2]]
    assert other.find(headers, work.body) is None
    for known in (other.rows(work.body, length), at_once(other.read_in_steps(headers, work.body))):
        assert isinstance(known, Packed)
        assert known.read().parts[0].tolist() == [[1, 2]]
    assert other.find(headers, work.body) == known


def test_elements_that_may_not_be_put_off_are_read_in_steps(reader):
    work = put_off(reader, [[1, 2], [3, 4]], [5, 6])
    rows = at_once(work.layout.read_in_steps(work.body))
    assert (rows.count, [part.tolist() for part in rows.parts]) == (2, [[[1, 2], [3, 4]], [5, 6]])


def test_a_body_that_should_be_compressed_is_not_known(reader):
    work = put_off(reader, [[1, 2]], [5])
    headers = {b"inference-header-content-length": b"%d" % len(work.layout.head), b"content-encoding": b"gzip"}
    for _ in range(2):
        reader.read(headers, work.body)
        assert reader.find(headers, work.body) is None


def test_headers_are_remembered_up_to_a_number(reader):
    work = put_off(reader, [[1, 2]], [5])
    several = [{b"inference-header-content-length": b"%d" % len(work.layout.head)} for _ in range(250)]
    for headers in several:
        reader.read(headers, work.body)
    found = [reader.find(headers, work.body) for headers in several]
    assert found[-1] == work
    assert found.count(None) > 100
