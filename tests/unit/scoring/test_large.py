"""Large JSON bodies are read in steps, to the same rows and refusals as at once."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard_scoring.decoding import array, csv, frame, large, outline
from modelyard_scoring.decoding.array import ArrayForm
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.frame import FrameForm
from modelyard_scoring.errors import RequestError

ANY_TIME = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DTYPES = {"string": "O", "datetime": "i8"}


def column(kind, *, nullable=False):
    return Column(kind, np.dtype(DTYPES.get(kind, kind)), nullable=nullable)


def frame_form():
    return FrameForm({"a": column("int64"), "b": column("string", nullable=True)}, 100)


@pytest.fixture
def short_steps(monkeypatch):
    """Steps of a few bytes, so that short texts take many."""
    monkeypatch.setattr(outline, "SLICE", 8)
    monkeypatch.setattr(csv, "SLICE", 8)
    for module in (outline, large, array, frame):
        monkeypatch.setattr(module, "LONG", 80)


def drained(steps):
    for count in range(10**6):
        try:
            next(steps)
        except StopIteration as end:
            return end.value, count
    raise AssertionError("it never ends")


def arrays(form, rows):
    columns = [form._column] if isinstance(form, ArrayForm) else list(form._columns.values())
    return [c.array(part) if isinstance(part, list) else part for c, part in zip(columns, rows.parts, strict=True)]


def outcome(read, form, body):
    try:
        rows = read(body)
    except RequestError as error:
        return error.code
    return [rows.count, *((part.shape, part.tolist()) for part in arrays(form, rows))]


def both(form, body):
    at_once = outcome(form.from_json, form, body)
    in_steps = outcome(lambda text: drained(form.from_large_json(text))[0], form, body)
    return at_once, in_steps


TEXTS = ["", "x", '"', "\\", "]", "],[", '\\"', "{", "}" * 40, "\\" * 70, ":,", "\u00e9\ufdd1"]
cells = st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.sampled_from(TEXTS)
spaces = st.sampled_from([None, 0, 2])


def dumped(document, indent):
    return json.dumps(document, indent=indent).encode()


def wrap(data, rows):
    kind = data.draw(st.sampled_from(["bare", "data", "instances", "beside", "after"]))
    return {
        "bare": rows,
        "data": {"data": rows},
        "instances": {"instances": rows},
        "beside": {"x": ["]{"], "data": rows},
        "after": {"data": rows, "id": 'a"]}'},
    }[kind]


@ANY_TIME
@given(st.data())
@pytest.mark.parametrize("kind", ["int64", "float32", "string", "uint64"])
def test_right_arrays_are_the_same(short_steps, kind, data):
    one = {"string": st.sampled_from(TEXTS), "float32": st.floats(width=32, allow_nan=False, allow_infinity=False)}
    values = one.get(kind, st.integers(0, 2**63 - 1))
    sizes, row = data.draw(
        st.sampled_from(
            [
                ((), values),
                ((3,), st.lists(values, min_size=3, max_size=3)),
                ((2, 2), st.lists(st.lists(values, min_size=2, max_size=2), min_size=2, max_size=2)),
                ((None,), st.lists(values, min_size=4, max_size=4)),
            ]
        )
    )
    form = ArrayForm(column(kind), sizes, 100)
    body = dumped(wrap(data, data.draw(st.lists(row, min_size=1, max_size=9))), data.draw(spaces))
    at_once, in_steps = both(form, body)
    assert isinstance(at_once, list)
    assert at_once == in_steps


records = st.fixed_dictionaries({"a": st.integers(-(2**63), 2**63 - 1), "b": st.none() | st.sampled_from(TEXTS)})


@ANY_TIME
@given(st.data())
def test_right_frames_are_the_same(short_steps, data):
    rows = data.draw(st.lists(records, min_size=1, max_size=9))
    split = {"data": [[row["b"], row["a"]] for row in rows], "columns": ["b", "a"]}
    if data.draw(st.booleans()):
        split["index"] = [f"]{n}" for n in range(len(rows))]
    document = data.draw(st.sampled_from([wrap(data, rows), split, {"input_data": split}]))
    at_once, in_steps = both(frame_form(), dumped(document, data.draw(spaces)))
    assert isinstance(at_once, list)
    assert at_once == in_steps


documents = st.recursive(
    cells,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["data", "columns", "index", "a", "b", "instances"]), inner, max_size=3)
    ),
    max_leaves=25,
)


@ANY_TIME
@given(documents, spaces)
def test_any_document_is_taken_or_refused_alike(short_steps, document, indent):
    body = dumped(document, indent)
    for form in (ArrayForm(column("int64"), (2,), 100), ArrayForm(column("string"), (), 100), frame_form()):
        at_once, in_steps = both(form, body)
        assert isinstance(at_once, list) == isinstance(in_steps, list), (at_once, in_steps)
        assert in_steps == at_once or isinstance(at_once, str)


@ANY_TIME
@given(st.data())
def test_damaged_bodies_are_taken_or_refused_alike(short_steps, data):
    rows = data.draw(st.lists(records, min_size=1, max_size=5))
    flat = [[row["a"], 1] for row in rows]
    form, document = data.draw(
        st.sampled_from([(frame_form(), wrap(data, rows)), (ArrayForm(column("int64"), (2,), 100), wrap(data, flat))])
    )
    body = bytearray(dumped(document, data.draw(spaces)))
    for _ in range(data.draw(st.integers(1, 2))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.sampled_from(b'[]{}",:\\ 1a\x00\xff'))
    del body[data.draw(st.integers(1, len(body)) | st.just(len(body))) :]
    at_once, in_steps = both(form, bytes(body))
    assert isinstance(at_once, list) == isinstance(in_steps, list), (at_once, in_steps)
    assert in_steps == at_once or isinstance(at_once, str)


@pytest.mark.parametrize(
    ("text", "code", "facts"),
    [
        ("[[1,2],[3,4],[5,true]]", "wrong-value", {"row": 2, "column": 1, "got": "true"}),
        ("[[1,2],[3,4],[5]]", "ragged-row", {"row": 2, "wanted": 2, "got": 1}),
        ("[[1,2],[3,4],[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]]", "ragged-row", {"row": 2, "got": 20}),
        ("[[1,2],[3,4],[[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],2]]", "wrong-value", {"row": 2, "column": 0}),
        ("[[1,2],[3,4],[5,6],7]", "wrong-form", {"row": 3}),
        ("[[1,2],[3,4],[5,,6]]", "malformed-body", {"position": 16}),
        ("[" + "[1,2]," * 120 + "[1,2]]", "too-many-rows", {"wanted": 100}),
        ("{" * 5000, "malformed-body", {}),
        ("[" * 5000, "malformed-body", {}),
        ('{"data":[[1,2]],"x":' + "[" * 50 + "]" * 50 + "}", "wrong-form", {}),
        ('{"data":[[1,2]],"data":[[1,2]]}', "malformed-body", {}),
        ('{"data":[[1,2]]} x', "malformed-body", {}),
    ],
)
def test_what_is_wrong_is_said_as_it_is_at_once(short_steps, text, code, facts):
    with pytest.raises(RequestError) as caught:
        drained(ArrayForm(column("int64"), (2,), 100).from_large_json(text.encode()))
    assert caught.value.code == code
    assert {name: caught.value.facts[name] for name in facts} == facts


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        (b"[" + b"[1,2]," * 99 + b"[1,2]]", 50),
        (b"[[" + b"1," * 5000 + b"1]]", 1000),
        (b'[["' + b'\\"' * 50_000 + b'",1]]', 10),
        (b"[" + b"[]" * 50_000 + b"]", 0),
        (b"[[" + b"[]," * 50_000 + b"1]]", 10),
        (b'[["' + (b"\\" * 65 + b'"') * 5000 + b'"]]', 0),
        (b" " * 2_000_000 + b"[[1,2]]", 0),
        (b'{"x":' + b" " * 9 + b"1}" * 2, 0),
    ],
)
def test_the_loop_gets_its_turn_between_steps(short_steps, text, turns):
    steps, count = ArrayForm(column("int64"), (2,), 100).from_large_json(text), 0
    try:
        while count < 10**6:
            next(steps)
            count += 1
    except (StopIteration, RequestError):
        pass
    assert turns <= count < 10**6


def test_a_long_row_behind_short_ones_loses_none(short_steps):
    rows = [["", ""], ["c", "]" * 68], ["d", "e"]]
    at_once, in_steps = both(ArrayForm(column("string"), (2,), 100), dumped(rows, None).replace(b" ", b""))
    assert at_once == in_steps == [3, ((3, 2), rows)]


def both_csv(form, body):
    return outcome(form.from_csv, form, body), outcome(lambda text: drained(form.from_large_csv(text))[0], form, body)


csv_cells = st.sampled_from(
    ["1", "-2.5", "1e3", " 4 ", "", "x", '"5"', '"a\nb"', '"c,d"', '"', "\u00e9", "nan", "1_0", "1e999"]
)


@ANY_TIME
@given(
    st.lists(st.lists(csv_cells, min_size=1, max_size=3), max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_any_csv_is_taken_or_refused_alike(short_steps, lines, end, bom):
    body = end.join(",".join(line) for line in lines).encode("utf-8-sig" if bom else "utf-8")
    for form in (ArrayForm(column("float32", nullable=True), (2,), 5), ArrayForm(column("string"), (), 5)):
        at_once, in_steps = both_csv(form, body)
        assert isinstance(at_once, list) == isinstance(in_steps, list), (at_once, in_steps)
    header = ("b,a" + end).encode()
    at_once, in_steps = both_csv(frame_form(), header + body)
    assert isinstance(at_once, list) == isinstance(in_steps, list), (at_once, in_steps)


def test_right_csv_is_the_same_in_steps(short_steps):
    body = b"1,2\r\n3.5, -4e2\r\n\r\n.5,+6.\r\n"
    at_once, in_steps = both_csv(ArrayForm(column("float64"), (2,), 5), body)
    assert at_once == in_steps == [3, ((3, 2), [[1, 2], [3.5, -400], [0.5, 6]])]
    at_once, in_steps = both_csv(frame_form(), b'b,a\n"x\ny",1\n,2\n')
    assert at_once == in_steps == [2, ((2,), [1, 2]), ((2,), ["x\ny", "\ufdd0"])]


def test_lines_that_take_long_for_nothing_are_refused():
    with pytest.raises(RequestError, match="lines of at most"):
        drained(ArrayForm(column("float64"), (2,), 5).from_large_csv(b"1," * 10**6))
