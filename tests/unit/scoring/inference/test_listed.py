"""Large requests are read in steps, to the same rows and refusals as at once."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard_scoring.decoding import document as json_text
from modelyard_scoring.decoding import large, outline
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.errors import BodySizeError, MalformedError, RequestError
from modelyard_scoring.inference import datatype, http, listed
from modelyard_scoring.inference.contract import Contract, TensorInput, TensorSpec
from modelyard_scoring.inference.datatype import datatype_of_field, pack
from modelyard_scoring.inference.http import Reader
from modelyard_scoring.inference.writer import ServedAs
from modelyard_scoring.service.signature import Field

ANY_TIME = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SERVED = ServedAs(name="m", version="3")
TEXTS = ["", "x", '"', "\\", "]", "],[", '\\"', "{", "}" * 40, "\\" * 70, ":,", '","', "\u00e9\ufdd1", "long" * 30]
ODD = st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.sampled_from([*TEXTS, [], {}, [1], 1e39, "\ufdd0"])
RIGHT = {
    "float32": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint8": st.integers(0, 255),
    "bool": st.booleans(),
    "string": st.sampled_from(TEXTS),
    "datetime": st.sampled_from(["2024-01-02", "1999-12-31T23:59:59.5+01:00"]),
}
NAMES = ["data", "inputs", "shape", "name", "x", "datatype"]


@pytest.fixture
def short_steps(monkeypatch):
    """Steps of a few bytes, so that short texts take many."""
    monkeypatch.setattr(outline, "SLICE", 8)
    monkeypatch.setattr(datatype, "SLICE", 8)
    for module in (outline, large, listed):
        monkeypatch.setattr(module, "LONG", 80)
    monkeypatch.setattr(http, "LARGE", 0)
    monkeypatch.setattr(listed, "_IN_STEP", 3)


def contract(inputs, *, form=None, axes=None):
    """A contract of inputs: name, kind, shape."""
    form = form or ("tensors" if len(inputs) > 1 else "array")
    dtypes = {"string": "O", "datetime": "i8"}
    made = [
        TensorInput(
            Field(name=name, type=kind, shape=shape),
            Column(kind, np.dtype(dtypes.get(kind, kind)), nullable=False),
            form,
        )
        for name, kind, shape in inputs
    ]
    axes = axes or {name: [] for name, _, _ in inputs}
    return Contract(made, [TensorSpec(name="y", datatype="FP32", shape=(-1,))], axes, 100)


def drained(steps):
    for count in range(10**6):
        try:
            next(steps)
        except StopIteration as end:
            return end.value, count
    raise AssertionError("it never ends")


def outcome(read):
    """What came of reading: the rows, or the error with what it knows."""
    try:
        rows = read()
    except RequestError as error:
        return error.code, error.facts
    return rows.count, [(part.dtype, part.shape, part.tolist()) for part in rows.parts], rows.write._start


def both(made, body, length=None):
    """What comes of reading at once, and in steps; where the head is known, too."""
    reader = Reader(made, SERVED)
    in_steps = [outcome(lambda: drained(reader.rows_in_steps(body, length))[0]) for _ in range(2)]
    assert in_steps[0] == in_steps[1]
    return outcome(lambda: Reader(made, SERVED).rows(body, length)), in_steps[0]


def agree(at_once, in_steps):
    """Both take it, and to the same; or both refuse it, perhaps for another of its mistakes."""
    return at_once == in_steps or (isinstance(at_once[0], str) and isinstance(in_steps[0], str))


@st.composite
def tensors(draw, kinds, rows, mistakes=0):
    """A tensor of a kind, and what it is to be."""
    kind = draw(st.sampled_from(kinds))
    shape = (rows, *draw(st.sampled_from([(), (3,), (2, 2), (1, 7)])))
    size = int(np.prod(shape))
    values = draw(st.lists(RIGHT[kind], min_size=size, max_size=size))
    for _ in range(mistakes):
        values[draw(st.integers(0, size - 1))] = draw(ODD)
    nested = np.empty(size, object)
    nested[:] = values
    data = nested.reshape(shape).tolist() if draw(st.booleans()) else values
    return kind, {"shape": shape, "datatype": datatype_of_field(kind), "data": data}


@st.composite
def requests(draw, mistakes=0):
    """A request, and the contract of its model."""
    rows = draw(st.integers(1, 6))
    drawn = draw(st.lists(tensors(list(RIGHT), rows, mistakes), min_size=1, max_size=3))
    inputs = [(f"t{place}", kind, (None, *tensor["shape"][1:])) for place, (kind, tensor) in enumerate(drawn)]
    document = {"inputs": [{"name": f"t{place}", **tensor} for place, (_, tensor) in enumerate(drawn)]}
    more = draw(st.sampled_from([{}, {"id": 'a"]}'}, {"x": ["]{", {"data": [[1]]}]}, {"outputs": [{"name": "y"}]}]))
    first = draw(st.booleans())
    return contract(inputs), {**more, **document} if first else {**document, **more}


def dumped(document, indent):
    return json.dumps(document, indent=indent).encode()


spaces = st.sampled_from([None, 0, 2])


@ANY_TIME
@given(requests(), spaces)
def test_right_requests_are_the_same(short_steps, request_, indent):
    made, document = request_
    at_once, in_steps = both(made, dumped(document, indent))
    assert not isinstance(at_once[0], str), at_once
    assert at_once == in_steps


@ANY_TIME
@given(requests(mistakes=1), spaces)
def test_the_first_of_wrong_values_is_told_alike(short_steps, request_, indent):
    made, document = request_
    assert agree(*both(made, dumped(document, indent)))


@ANY_TIME
@given(st.data())
def test_one_wrong_value_is_told_with_its_place(short_steps, data):
    kind, tensor = data.draw(tensors(["int64", "string"], 5))
    form = data.draw(st.sampled_from(["array", "tensors"]))
    data_ = np.array(tensor["data"], object).reshape(-1).tolist()
    place = data.draw(st.integers(0, len(data_) - 1))
    data_[place] = data.draw(st.sampled_from([None, True, 0.5, {}]))
    at_once, in_steps = both(
        contract([("t", kind, (None, *tensor["shape"][1:]))], form=form),
        dumped({"inputs": [{"name": "t", **tensor, "data": data_}]}, data.draw(spaces)),
    )
    assert at_once[0] == "wrong-value"
    assert at_once[1].get("tensor") == ("t" if form == "tensors" else None)
    assert at_once == in_steps


@pytest.mark.parametrize("wrong", [(2, 2), (3, 3)], ids=["length", "rows"])
def test_tensors_that_do_not_agree_are_told_alike(short_steps, wrong):
    sides = [("a", "int64", (None, None)), ("b", "int64", (None, None))]
    made = contract(sides, axes={"a": ["length"], "b": ["length"]})
    shapes = {"a": (2, 3), "b": wrong}
    inputs = [
        {"name": name, "datatype": "INT64", "shape": shape, "data": np.ones(shape, int).tolist()}
        for name, shape in shapes.items()
    ]
    at_once, in_steps = both(made, dumped({"inputs": inputs}, None))
    assert at_once == in_steps
    assert (at_once[0], at_once[1]["tensor"]) == ("wrong-form", "b")


@pytest.mark.parametrize("number", [1, 10**17], ids=["short", "long"])
@pytest.mark.parametrize(
    ("wrong", "row"),
    [
        ("[R, [T, [N]]]", 1),
        ("[R, [T]]", 1),
        ("[R, [T, T, T]]", 1),
        ("[[T, 5], R]", 0),
        ('[R, {"a": [T, T]}]', 1),
        (f'[R, "{"long" * 30}"]', 1),
        ("[R]", None),
    ],
)
def test_ragged_data_are_told_with_their_row(short_steps, number, wrong, row):
    data = json.loads(wrong.replace("R", "[T, T]").replace("T", "[N, N]").replace("N", str(number)))
    tensor = {"name": "t", "datatype": "INT64", "shape": [2, 2, 2], "data": data}
    for told in both(contract([("t", "int64", (None, 2, 2))]), dumped({"inputs": [tensor]}, None)):
        assert (told[0], told[1].get("row"), told[1]["tensor"]) == ("wrong-form", row, "t")


def test_each_tensor_may_have_as_many_brackets_as_one(short_steps, monkeypatch):
    monkeypatch.setattr(outline, "_MAX_MARKS", 50)
    inputs = [
        {"name": name, "datatype": "INT64", "shape": [10, 1, 1], "data": [[[place]] for place in range(10)]}
        for name in "ab"
    ]
    made = contract([(name, "int64", (None, 1, 1)) for name in "ab"])
    at_once, in_steps = both(made, dumped({"inputs": inputs}, None))
    assert at_once == in_steps
    assert in_steps[0] == 10


@ANY_TIME
@given(st.data())
def test_other_shapes_are_refused_alike(short_steps, data):
    shape = data.draw(st.sampled_from([(4,), (2, 2), (4, 1), (1, 4), (2, 1, 2)]))
    lists = st.recursive(st.just(1), lambda inner: st.lists(inner, max_size=4), max_leaves=12)
    tensor = {"name": "t", "datatype": "INT64", "shape": shape, "data": data.draw(lists | st.just({"a": [1] * 40}))}
    made = contract([("t", "int64", (None, *shape[1:]))])
    at_once, in_steps = both(made, dumped({"inputs": [tensor]}, data.draw(spaces)))
    assert agree(at_once, in_steps), (at_once, in_steps)


@ANY_TIME
@given(st.data())
def test_damaged_requests_are_taken_or_refused_alike(short_steps, data):
    made, document = data.draw(requests())
    body = bytearray(dumped(document, data.draw(spaces)))
    for _ in range(data.draw(st.integers(1, 2))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.sampled_from(b'[]{}",:\\ 1a\x00\xff'))
    del body[data.draw(st.integers(1, len(body)) | st.just(len(body))) :]
    at_once, in_steps = both(made, bytes(body))
    assert agree(at_once, in_steps), (at_once, in_steps)
    try:
        json_text.parse(bytes(body))
    except MalformedError:
        assert isinstance(in_steps[0], str)


documents = st.recursive(
    ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=25,
)


@ANY_TIME
@given(documents, spaces)
def test_any_document_is_refused_alike(short_steps, document, indent):
    at_once, in_steps = both(contract([("x", "int64", (None,))]), dumped(document, indent))
    assert isinstance(at_once[0], str)
    assert isinstance(in_steps[0], str)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"inputs":[@],"inputs":[@]}', "'inputs' comes twice"),
        (b'{"inputs":[@],"\\u0069nputs":[@]}', "'inputs' comes twice"),
        (b'{"inputs":[{"data":[1],"name":"x","shape":[1],"datatype":"INT64","data":[2]}]}', "'data' comes twice"),
        (b'{"inputs":[@],"parameters":{"a":{"b":1,"b":2}}}', "'b' comes twice"),
        (b'{"inputs":[@],"more":"\xff"}', "JSON"),
        (b'{"inputs":[@,]}', "at byte 66"),
        (b'{"inputs":[@]} x', "at byte 68"),
        (b'{"inputs":[@', "ends early"),
        (b'{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[1}]}', "JSON"),
    ],
)
def test_json_that_means_several_things_or_none_is_refused(short_steps, text, problem):
    body = text.replace(b"@", b'{"name":"x","shape":[1],"datatype":"INT64","data":[1]}')
    with pytest.raises(MalformedError, match=problem):
        drained(Reader(contract([("x", "int64", (None,))]), SERVED).rows_in_steps(body, None))


def test_text_that_is_not_utf8_is_refused(short_steps):
    body = b'{"inputs":[{"name":"x","shape":[2],"datatype":"BYTES","data":["a","\xff"]}]}'
    with pytest.raises(MalformedError, match="at byte"):
        drained(Reader(contract([("x", "string", (None,))]), SERVED).rows_in_steps(body, None))


@ANY_TIME
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=20), st.data())
def test_packed_texts_are_taken_or_refused_alike(short_steps, texts, data):
    raw = bytearray(pack(texts))
    if data.draw(st.booleans()):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.sampled_from(b"\0\1\xff"))
    size = {"binary_data_size": len(raw)}
    kind = data.draw(st.sampled_from(["string", "datetime"]))
    tensor = {"name": "x", "shape": [len(texts)], "datatype": "BYTES", "parameters": size}
    head = dumped({"inputs": [tensor]}, None)
    at_once, in_steps = both(contract([("x", kind, (None,))], form="frame"), head + raw, b"%d" % len(head))
    assert at_once == in_steps


def test_what_is_beside_the_data_is_bounded(short_steps):
    tensor = {"name": "x", "shape": [1], "datatype": "INT64", "data": [1]}
    reader = Reader(contract([("x", "int64", (None,))]), SERVED)
    rest = len(dumped({"inputs": [{**tensor, "data": []}], "more": ""}, None))
    body = dumped({"inputs": [tensor], "more": "m" * (listed.LARGE - rest)}, None)
    body = body.replace(b"[1]}]", b"[" + b" " * listed.LARGE + b"1]}]")
    assert drained(reader.rows_in_steps(body, None))[0].count == 1
    with pytest.raises(BodySizeError, match='beside the "data"'):
        drained(reader.rows_in_steps(body + b" ", None))


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs":[' + b"{}," * 10**6 + b"{}]}",
        b'{"inputs":[{' + b'"a":1,' * 10**6 + b'"b":1}]}',
        b"{" + b'"a":1,' * 10**6 + b'"b":1}',
        b'{"inputs":[' + b'{"data":[]},' * 10**6 + b"{}]}",
    ],
)
def test_what_is_not_data_is_not_looked_at_for_long(body):
    steps, taken = Reader(contract([("x", "int64", (None,))]), SERVED).rows_in_steps(body, None), []
    with pytest.raises(BodySizeError):
        taken.extend(steps)
    assert 2**18 / 12 / 2**8 < len(taken) < 2**18 / 3


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("float32", [0.25] * 600_000),
        ("float32", [[[0.25] * 224] * 224] * 12),
        ("float32", [[0.25]] * 300_000),
        ("string", ["x"] * 500_000),
        ("bool", [True] * 500_000),
    ],
)
def test_the_loop_gets_its_turn_between_steps(monkeypatch, kind, data):
    """A step reads some kilobytes, wherever it is: what it costs does not grow with the body."""
    read, sizes = large.parse_group, []
    monkeypatch.setattr(large, "parse_group", lambda text, start: sizes.append(len(text)) or read(text, start))
    shape = np.array(data, object).shape
    body = dumped({"inputs": [{"name": "x", "shape": shape, "datatype": datatype_of_field(kind), "data": data}]}, None)
    made = Contract(contract([("x", kind, (None, *shape[1:]))]).inputs.values(), [], {}, 10**6)
    rows, count = drained(Reader(made, SERVED).rows_in_steps(body, None))
    assert rows.parts[0].shape == shape
    assert (rows.parts[0] == np.array(data, rows.parts[0].dtype)).all()
    assert count >= 2 * len(sizes)
    assert max(sizes) < 2 * outline.SLICE


def test_packed_texts_take_many_steps():
    head = dumped(
        {
            "inputs": [
                {"name": "x", "shape": [100_000], "datatype": "BYTES", "parameters": {"binary_data_size": 500_000}}
            ]
        },
        None,
    )
    made = Contract(contract([("x", "string", (None,))]).inputs.values(), [], {}, 10**6)
    body, reader = head + pack(["x"] * 100_000), Reader(made, SERVED)
    for _ in range(2):
        rows, count = drained(reader.rows_in_steps(body, b"%d" % len(head)))
        assert rows.count == 100_000
        assert count >= 2 * (100_000 // 2**11)
