"""Large JSON bodies are read in steps, to the same rows and refusals as at once."""

import io
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard_scoring.decoding import array, csv, frame, large, outline
from modelyard_scoring.decoding.array import ArrayForm
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.frame import FrameForm
from modelyard_scoring.decoding.tensors import TensorsForm
from modelyard_scoring.errors import RequestError
from modelyard_scoring.formats import npz
from modelyard_scoring.formats.values import MISSING_TEXT
from modelyard_scoring.service.signature import WRAPPERS

ANY_TIME = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DTYPES = {"string": "O", "datetime": "i8"}


def column(kind, *, nullable=False):
    return Column(kind, np.dtype(DTYPES.get(kind, kind)), nullable=nullable)


def frame_form():
    return FrameForm({"a": column("int64"), "b": column("string", nullable=True)}, 100)


def tensors_form():
    words = column("string", nullable=True)
    forms = {"a": ArrayForm(column("int64"), (None,), 100), "b": ArrayForm(words, (2, 2), 100)}
    return TensorsForm(forms, {"a": ["n"], "b": [None, None]}, 100)


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
    if isinstance(form, TensorsForm):
        return rows.parts
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


texts = st.none() | st.sampled_from(TEXTS)
pairs = st.lists(st.lists(texts, min_size=2, max_size=2), min_size=2, max_size=2)


@st.composite
def tensors(draw):
    """Records of both tensors, all with as many numbers in `a`."""
    size = draw(st.integers(1, 30))
    numbers = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=size, max_size=size)
    return draw(st.lists(st.fixed_dictionaries({"a": numbers, "b": pairs}), min_size=1, max_size=9))


def by_name(rows):
    return {name: [row[name] for row in rows] for name in ("b", "a")}


@ANY_TIME
@given(st.data())
def test_right_tensors_are_the_same(short_steps, data):
    rows = data.draw(tensors())
    named = by_name(rows)
    document = data.draw(st.sampled_from([wrap(data, rows), {"data": named}, {"x": 1, "instances": named}]))
    at_once, in_steps = both(tensors_form(), dumped(document, data.draw(spaces)))
    words = [[[MISSING_TEXT if word is None else word for word in pair] for pair in own] for own in named["b"]]
    shapes = [(len(rows), len(rows[0]["a"])), (len(rows), 2, 2)]
    assert at_once == in_steps == [len(rows), *zip(shapes, [named["a"], words], strict=True)]


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
    arrays = [ArrayForm(column("int64"), (2,), 100), ArrayForm(column("string"), (), 100)]
    for form in [*arrays, frame_form(), tensors_form()]:
        at_once, in_steps = both(form, body)
        assert isinstance(at_once, list) == isinstance(in_steps, list), (at_once, in_steps)
        assert in_steps == at_once or isinstance(at_once, str)


@ANY_TIME
@given(st.data())
def test_damaged_bodies_are_taken_or_refused_alike(short_steps, data):
    rows = data.draw(st.lists(records, min_size=1, max_size=5))
    flat = [[row["a"], 1] for row in rows]
    own = data.draw(tensors())
    form, document = data.draw(
        st.sampled_from(
            [
                (frame_form(), wrap(data, rows)),
                (ArrayForm(column("int64"), (2,), 100), wrap(data, flat)),
                (ArrayForm(column("int64"), (None,), 100), wrap(data, flat)),
                (tensors_form(), wrap(data, own)),
                (tensors_form(), {"data": by_name(own)}),
            ]
        )
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


TABLE = '{"columns": ["a", "b"], "index": [0, 1], "data": [[1, 2], [3, 4]]}'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (TABLE, None),
        *((f'{{"{name}": T}}', None) for name in WRAPPERS),
        *((f'{{"{name}": [[1, 2], [3, 4]], "params": {{}}}}', None) for name in WRAPPERS),
        ('{"more": "x", "input_data": {"data": [[1, 2], [3, 4]], "columns": [0, 1]}}', None),
        ('{"columns": 5, "input_data": [[1, 2], [3, 4]]}', None),
        ('{"data": [[1, 2], [3, 4]], "index": []}', None),
        ('{"inputs": [[1, 2]], "data": [[1, 2]]}', "wrong-form"),
        ('{"inputs": {"x": [[1, 2]]}}', "wrong-form"),
        ('{"input_data": {"data": [[1, 2]]}}', "wrong-form"),
        ('{"input_data": {"columns": ["a", "b"]}}', "wrong-form"),
        ('{"input_data": {"columns": ["a", "b"], "data": 5}}', "wrong-form"),
        ('{"input_data": {"columns": ["a"], "data": [[1, 2]]}}', "wrong-form"),
        ('{"input_data": {"columns": "ab", "data": [[1, 2]]}}', "wrong-form"),
        ('{"columns": ["a", "b", "c"], "data": [[1, 2]]}', "wrong-form"),
        ('{"input_data": {"columns": ["a", "b"], "index": [1], "data": [[1, 2], [3, 4]]}}', "wrong-form"),
        ('{"input_data": {"columns": ["a", "b", "c"], "data": [[1, 2, 3]]}}', "ragged-row"),
        ('{"input_data": {"columns": ["a", "b"], "data": []}}', "no-rows"),
        ('{"input_data": {"columns": ["a", "b"], "data": [[1, 2]], "data": [[1, 2]]}}', "malformed-body"),
        ('{"input_data": {"columns": ["a", "b"], "data": [[1, 2]], "x": {"a": 1, "a": 1}}}', "malformed-body"),
    ],
)
def test_tables_of_other_servers_are_read_where_the_rows_have_the_model_s_width(short_steps, text, wanted):
    for kind in ("int64", "uint64"):  # with a quick decoder, and without
        form = ArrayForm(column(kind), (2,), 100)
        at_once, in_steps = both(form, text.replace("T", TABLE).encode())
        assert at_once == in_steps == (wanted or [2, ((2, 2), [[1, 2], [3, 4]])])


@pytest.mark.parametrize("name", ["dataframe_split", "dataframe_records", "inputs", "input_data"])
def test_frames_are_read_under_the_names_of_other_servers(short_steps, name):
    rows = '[{"b": "x", "a": 1}]' if name != "dataframe_split" else '{"columns": ["b", "a"], "data": [["x", 1]]}'
    at_once, in_steps = both(frame_form(), f'{{"{name}": {rows}}}'.encode())
    assert at_once == in_steps == [1, ((1,), [1]), ((1,), ["x"])]


def test_what_is_ignored_is_bounded_in_all():
    rows = b'"data": [[1, 2]]'
    beside = b", ".join(b'"%d": [%b]' % (number, b",".join([b"[]"] * 2000)) for number in range(40))
    with pytest.raises(RequestError, match="at most 131072 bytes beside the rows") as caught:
        drained(ArrayForm(column("int64"), (2,), 100).from_large_json(b"{%b, %b}" % (beside, rows)))
    assert caught.value.code == "wrong-form"


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


def test_lines_of_nothing_are_rows_in_steps_too(short_steps):
    for text in ("1\n\n2\n", "\n1" + "\n" * 60 + "2\n\n\n", "1" + "\r\n" * 120 + "2", '""\n1\n""\n'):
        for form in (ArrayForm(column("float32", nullable=True), (size,), 100) for size in (1, None)):
            at_once, in_steps = both_csv(form, text.encode())
            assert str(at_once) == str(in_steps)


def test_millions_of_lines_of_nothing_are_too_many_rows():
    with pytest.raises(RequestError, match="has 2000 rows"):
        drained(ArrayForm(column("float32", nullable=True), (1,), 1500).from_large_csv(b"\n" * 600_000 + b"1"))


def test_lines_that_take_long_for_nothing_are_refused():
    with pytest.raises(RequestError, match="lines of at most"):
        drained(ArrayForm(column("float64"), (2,), 5).from_large_csv(b"1," * 10**6))


@pytest.mark.parametrize("text", [b"1" * 2**21, b"1,2\r" + b"1," * 2**20, b"1,2\r\n" + b"1" * 2**21, b'"1",' * 2**19])
def test_lines_that_are_too_long_are_refused_before_they_are_split(monkeypatch, text):
    monkeypatch.setattr(csv.csv, "reader", lambda feed, **_: feed)  # splits nothing
    with pytest.raises(RequestError) as caught:
        for _ in csv.groups(b"1,2\n" * 10_000 + text, 2):
            pass
    assert caught.value.code == "wrong-form"


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_text_of_many_lines_is_read_in_parts_whatever_ends_them(end):
    parts = list(csv.groups((b"1,2" + end) * 100_000, 2))
    assert sum(map(len, parts)) == 100_000
    assert max(map(len, parts)) < 12_000


def test_arrays_in_a_zip_file_are_unpacked_in_steps():
    noise = np.random.default_rng(1).random((2**18, 2))
    stream = io.BytesIO()
    np.savez_compressed(stream, a=noise)
    found, turns = drained(npz.read(stream.getvalue(), max_members=1, max_bytes=2**23))
    np.testing.assert_array_equal(found["a"].array, noise)
    assert turns > 10
