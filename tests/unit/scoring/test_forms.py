"""The same rows in every form become the same arrays, and the same errors."""

import contextlib
import io
import json
import math
import re
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_scoring import formats
from modelyard_scoring.decoding.array import ArrayForm
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.frame import FrameForm
from modelyard_scoring.decoding.joined import RowText
from modelyard_scoring.engines.tabular import Tabular, request_types
from modelyard_scoring.errors import RequestError, ValueRefusedError
from modelyard_scoring.formats import arrow, csv, npy, npz
from modelyard_scoring.http1.request import PlainRequest
from modelyard_scoring.service.folder import Limits

KINDS = ["bool", "int8", "int64", "uint8", "uint64", "float16", "float32", "float64", "string", "datetime"]
DTYPES = {"string": "O", "datetime": "i8"}
FIELDS = {"a": "int64", "b": "float32", "c": "string", "d": "bool", "e": "datetime"}


def column(kind, *, nullable=False):
    return Column(kind, np.dtype(DTYPES.get(kind, kind)), nullable=nullable)


def tabular(form, columns=1):
    return Tabular(form, Limits(max_rows=100, max_body_bytes=10**6), columns=columns, outputs=["y"])


def array_form(kind="float32", sizes=(2,), **more):
    return tabular(ArrayForm(column(kind, **more), sizes, 100))


def frame_form():
    nullable = {"b", "c", "e"}
    columns = {name: column(kind, nullable=name in nullable) for name, kind in FIELDS.items()}
    return tabular(FrameForm(columns, 100), len(FIELDS))


def saved(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def zipped(compressed=False, **arrays):
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **arrays)
    return stream.getvalue()


def streamed(table, opened=pa.ipc.new_stream, **more):
    sink = pa.BufferOutputStream()
    with opened(sink, table.schema, **more) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def read(form, body, kind):
    return form.read(PlainRequest(body=body, content_type=kind.encode()))


def refused(form, body, kind):
    with pytest.raises(RequestError) as caught:
        read(form, body, kind)
    return caught.value


def arrays_of(form, rows):
    columns = form._from_json.__self__
    if isinstance(rows, RowText):
        return [columns.read([rows])]
    columns = [columns._column] if isinstance(columns, ArrayForm) else list(columns._columns.values())
    return [c.array(part) if isinstance(part, list) else part for c, part in zip(columns, rows.parts, strict=True)]


def same(form, one, other):
    assert one.count == other.count
    for left, right in zip(arrays_of(form, one), arrays_of(form, other), strict=True):
        assert left.dtype == right.dtype
        assert left.tolist() == right.tolist() or np.array_equal(left, right, equal_nan=True)


floats = st.lists(
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1, max_size=5
)


@settings(max_examples=100, deadline=None)
@given(floats)
def test_rows_of_an_array_are_the_same_in_every_form(rows):
    form, array = array_form(), np.array(rows, np.float32)
    wanted = read(form, json.dumps(rows).encode(), "application/json")
    lists = pa.table({"x": pa.FixedSizeListArray.from_arrays(pa.array(array.reshape(-1)), 2)})
    columns = pa.table({"x": array[:, 0], "y": array[:, 1]})
    lines = "".join(f"{a!r},{b!r}\n" for a, b in rows).encode()
    for body, kind in [
        (lines, formats.CSV),
        (saved(array), formats.NPY),
        (saved(np.asfortranarray(array)), formats.NPY),
        (saved(array.astype(">f8")), formats.NPY),
        (zipped(x=array), formats.NPZ),
        (zipped(compressed=True, x=array), formats.NPZ),
        (streamed(lists), formats.ARROW_STREAM),
        (streamed(columns), formats.ARROW_STREAM),
        (streamed(pa.table({"x": pa.array(rows, pa.list_(pa.float64()))}), pa.ipc.new_file), formats.ARROW_FILE),
    ]:
        same(form, read(form, body, kind), wanted)


times = st.datetimes(min_value=__import__("datetime").datetime(1700, 1, 1)).filter(lambda time: time.year < 2250)
records = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.integers(-(2**63), 2**63 - 1),
            "b": st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False),
            "c": st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
            "d": st.booleans(),
            "e": st.none() | times,
        }
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(records)
def test_rows_of_a_frame_are_the_same_in_every_form(rows):
    form = frame_form()
    wanted = read(form, json.dumps(rows, default=lambda time: time.isoformat()).encode(), "application/json")
    kinds = {"a": pa.int64(), "b": pa.float32(), "c": pa.string(), "d": pa.bool_(), "e": pa.timestamp("us")}
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()})
    same(form, read(form, streamed(table), formats.ARROW_STREAM), wanted)
    same(form, read(form, streamed(table.select("edcba"), pa.ipc.new_file), formats.ARROW_FILE), wanted)
    if any(row["c"] is None for row in rows):
        return  # what NumPy has no word for
    dtypes = {"a": "i8", "b": "f4", "c": "U", "d": "?", "e": "M8[us]"}
    columns = {name: np.array([row[name] for row in rows], dtype) for name, dtype in dtypes.items()}
    same(form, read(form, zipped(**columns), formats.NPZ), wanted)
    whole = np.empty(len(rows), [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        whole[name] = values
    same(form, read(form, saved(whole), formats.NPY), wanted)


def number(kind):
    return st.sampled_from([0, 1, -1, 127, 128, -128, -129, 255, 256, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]) | (
        st.integers(-(2**63), 2**63 - 1) if kind == "i8" else st.floats(width=int(kind[1]) * 8)
    )


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_an_array_is_taken_exactly_when_the_same_json_is(data):
    kind, source = data.draw(st.sampled_from(KINDS[1:8])), data.draw(st.sampled_from(["i8", "f2", "f4", "f8"]))
    nullable = kind.startswith("float") and data.draw(st.booleans())
    with np.errstate(over="ignore"):
        array = np.array(data.draw(st.lists(number(source), min_size=2, max_size=6)), source)
    array = array[: len(array) // 2 * 2].reshape(-1, 2)
    form = array_form(kind, nullable=nullable)
    values = [None if math.isnan(value) else 1e999 if math.isinf(value) else value for value in array.ravel().tolist()]
    rows = [values[start : start + 2] for start in range(0, len(values), 2)]
    try:
        wanted = None if source != "i8" and not kind.startswith("float") else form._from_json(json.dumps(rows).encode())
    except RequestError:
        wanted = None
    try:
        got = read(form, saved(array), formats.NPY)
    except ValueRefusedError as error:
        assert (wanted, set(error.facts)) == (None, {"row", "column", "wanted", "got"})  # noqa: PT017
    else:
        assert wanted is not None
        same(form, got, wanted)


@pytest.mark.parametrize(
    ("array", "code", "facts"),
    [
        (np.array([[1, 2], [3, np.nan]], "f4"), "wrong-value", {"row": 1, "column": 1, "got": "the number nan"}),
        (np.array([[1, 2], [-np.inf, 4]], "f8"), "wrong-value", {"row": 1, "column": 0, "got": "the number -inf"}),
        (np.array([[1, 1e39]], "f8"), "wrong-value", {"row": 0, "column": 1}),
        (np.array([[True, False]]), "wrong-value", {"row": 0, "column": 0, "got": "a value of the type bool"}),
        (np.array([["1", "2"]]), "wrong-value", {"row": 0}),
        (np.array([[1j, 2]]), "wrong-value", {"row": 0}),
        (np.array([["2020", "2021"]], "M8[s]"), "wrong-value", {"row": 0}),
        (np.array([[1, 2]], "longdouble"), "wrong-value", {"row": 0}),
        (np.zeros((1, 3)), "ragged-row", {"wanted": 2, "got": 3}),
        (np.zeros((0, 2)), "no-rows", {}),
        (np.zeros((101, 2)), "too-many-rows", {"wanted": 100, "got": 101}),
        (np.zeros((101, 3)), "too-many-rows", {}),
        (np.zeros(2), "ragged-row", {}),
        (np.zeros((1, 2, 1)), "wrong-form", {}),
        (np.array(5.0), "wrong-form", {}),
        (np.zeros((3, 0)), "ragged-row", {}),
        (np.zeros((2**40, 0)), "too-many-rows", {}),
    ],
)
def test_what_is_wrong_with_an_array_is_said(array, code, facts):
    error = refused(array_form(), saved(array), formats.NPY)
    assert error.code == code
    assert {name: error.facts[name] for name in facts} == facts


@pytest.mark.parametrize("text", ["\ud800", "\ufdd0"])
def test_texts_that_json_refuses_are_refused_in_arrays(text):
    error = refused(array_form("string"), saved(np.array([["a", text]])), formats.NPY)
    assert (error.code, error.facts["column"]) == ("wrong-value", 1)


def test_code_points_that_are_none_are_refused():
    body = saved(np.array([["a", "b"]])).replace(b"b\0\0\0", b"\xff\xff\xff\xff")
    error = refused(array_form("string"), body, formats.NPY)
    assert error.facts["got"] == "a text of what are no characters"


@pytest.mark.parametrize("unit", ["D", "h", "m", "s", "ms", "us", "ns", "25s"])
def test_times_of_every_unit_are_nanoseconds(unit):
    form = array_form("datetime", nullable=True)
    body = saved(np.array([["1975-01-01", "NaT"]], f"M8[{unit}]"))
    (part,) = read(form, body, formats.NPY).parts
    assert abs(part[0, 0] - 157766400 * 10**9) < 25 * 10**9
    assert part[0, 1] == -(2**63)


@pytest.mark.parametrize(("unit", "count"), [("D", 200_000), ("s", 2**62), ("ns", -(2**63) + 1), ("Y", 3), ("M", 3)])
def test_times_out_of_range_are_refused(unit, count):
    array = np.array([[0, count]], "i8").view(f"M8[{unit}]")
    if unit == "ns":
        assert read(array_form("datetime"), saved(array), formats.NPY).count == 1
    else:
        assert refused(array_form("datetime"), saved(array), formats.NPY).code == "wrong-value"


def headed(text, data=b"", major=1):
    """An npy file with any header."""
    length = len(text).to_bytes(2 if major == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([major, 0]) + length + text.encode() + data


HEADER = "{{'descr': {}, 'fortran_order': False, 'shape': {}, }}"
RIGHT = saved(np.zeros((1, 2), "f4"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        RIGHT[:5],
        RIGHT[:9],
        RIGHT[:30],
        RIGHT[:-1],
        RIGHT + b"\0",
        RIGHT.replace(b"\x93NUMPY\x01", b"\x93NUMPY\x09"),
        b"PK\x03\x04" + RIGHT,
        b"[[1,2]]",
        np.array([[1, None]]).dumps(),
        headed(HEADER.format("'O'", "(1, 2)"), b"x" * 16),
        headed(HEADER.format("'|O'", "(1, 2)"), np.array([[1, 2]], object).dumps()),
        headed(HEADER.format("[('a', 'O')]", "(1,)"), b"x" * 8),
        headed(HEADER.format("'<f4'", "(-1, -2)"), b"x" * 8),
        headed(HEADER.format("'<f4'", "(True, 2)"), b"x" * 8),
        headed(HEADER.format("'<f4'", "[1, 2]"), b"x" * 8),
        headed(HEADER.format("'<f4'", f"({2**70}, 0)"), b""),
        headed(HEADER.format("'<f4'", f"({2**40}, 2)"), b""),
        headed(HEADER.format("'<U0'", f"({2**40}, 2)"), b""),
        headed(HEADER.format("'|V0'", "(1, 2)"), b""),
        headed(HEADER.format("('<f4', (2,))", "(1,)"), b"x" * 8),
        headed(HEADER.format("'nothing'", "(1, 2)"), b"x" * 8),
        headed(HEADER.format("__import__('os').abort()", "(1, 2)"), b"x" * 8),
        headed("(" * 9000, b""),
        headed("{'a':" * 1800, b""),
        headed("5"),
        headed("{}"),
        headed(HEADER.format("'<i4', 'descr': '<f4'", "(1, 2)"), b"\0" * 8),
        headed(HEADER.format("'<f4'", "(1, 2)").replace("'shape'", "b'\\xff'")),
        headed("\xff" * 10, major=2),
        headed(" " * 20_000, major=2),
        b"\x93NUMPY\x03\x00\x01\x00\x00\x00\xff",
    ],
)
def test_what_is_no_whole_npy_is_malformed(body):
    assert refused(array_form(), body, formats.NPY).code == "malformed-body"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_bodies_are_read_or_refused(data):
    array = np.arange(4, dtype="f4").reshape(2, 2)
    table = pa.table({"x": array[:, 0], "y": array[:, 1]})
    bodies = {
        formats.NPY: RIGHT,
        formats.NPZ: zipped(x=array),
        formats.ARROW_STREAM: streamed(table),
        formats.ARROW_FILE: streamed(table, pa.ipc.new_file),
    }
    kind = data.draw(st.sampled_from(list(bodies)))
    body = bytearray(bodies[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    del body[data.draw(st.integers(0, len(body)) | st.just(len(body))) :]
    with contextlib.suppress(RequestError):
        assert read(array_form(), bytes(body), kind).count > 0


def test_the_expanded_size_of_npz_is_known_before_it_is_unpacked():
    body = zipped(compressed=True, x=np.zeros((2, 10**6)))
    assert len(body) < 20_000
    assert refused(array_form(), body, formats.NPZ).code == "body-too-large"


def archive(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in members.items():
            made.writestr(name.replace("_", "."), content)
    return stream.getvalue()


GOOD = zipped(x=np.zeros((1, 2)))


@pytest.mark.parametrize(
    "body",
    [
        b"PK",
        GOOD[:-1],
        GOOD[:60],
        GOOD + b"x",
        archive(x_npy=RIGHT, y_txt=RIGHT),
        archive(x_npy=b"nothing"),
        archive(x_npy=headed(HEADER.format("'O'", "(1, 2)"), b"x" * 16)),
        archive(**{f"x{n}_npy": RIGHT for n in range(50)}),
        RIGHT,
        GOOD.replace(b"x.npy", b"x\xffnpy"),
    ],
)
def test_what_is_no_npz_of_few_arrays_is_malformed(body):
    assert refused(array_form(), body, formats.NPZ).code == "malformed-body"


def test_an_archive_whose_sizes_lie_is_malformed():
    body = bytearray(zipped(compressed=True, x=np.zeros((2, 1000))))
    place = body.rfind(b"PK\x01\x02")
    body[place + 24 : place + 28] = (100).to_bytes(4, "little")
    assert refused(array_form(), bytes(body), formats.NPZ).code == "malformed-body"


@pytest.mark.parametrize("packed", ["lz4", "zstd"])
@pytest.mark.parametrize(("opened", "kind"), [("new_stream", formats.ARROW_STREAM), ("new_file", formats.ARROW_FILE)])
def test_arrow_that_is_packed_inside_is_refused(packed, opened, kind):
    options = pa.ipc.IpcWriteOptions(compression=packed)
    table = pa.table({"x": np.zeros(90), "y": np.zeros(90)})
    error = refused(array_form(), streamed(table, getattr(pa.ipc, opened), options=options), kind)
    assert error.code == "malformed-body"
    assert "packed" in str(error)


def test_arrow_with_packed_texts_of_a_dictionary_is_refused_and_plain_ones_taken():
    table = pa.table({"x": pa.array(["a", "b", "a"] * 10).dictionary_encode()})
    form = array_form("string", ())
    assert read(form, streamed(table), formats.ARROW_STREAM).parts[0].tolist() == ["a", "b", "a"] * 10
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    assert "packed" in str(refused(form, streamed(table, options=options), formats.ARROW_STREAM))


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (pa.table({"x": [1.0], "y": [None]}), "wrong-form"),
        (pa.table({"x": [1.0], "y": pa.array([None], pa.float32())}), "wrong-value"),
        (pa.table({"x": [[1.0, 2.0], [3.0]]}), "wrong-form"),
        (pa.table({"x": pa.array([[1.0, 2.0], None])}), "wrong-form"),
        (pa.table({"x": [b"a"], "y": [b"b"]}), "wrong-form"),
        (pa.table({"x": [{"a": 1}]}), "wrong-form"),
        (pa.table({"x": ["1"], "y": ["2"]}), "wrong-value"),
        (pa.table([[1.0], [2.0]], ["x", "x"]), "wrong-form"),
        (pa.table({"x": [1.0]}), "ragged-row"),
        (pa.table({"x": np.zeros(101), "y": np.zeros(101)}), "too-many-rows"),
        (pa.table({"x": pa.array([], pa.float32()), "y": pa.array([], pa.float32())}), "no-rows"),
        (pa.table({}), "no-rows"),
        (pa.table({"x": pa.nulls(2), "y": pa.nulls(2)}), "wrong-form"),
    ],
)
def test_what_is_wrong_with_an_arrow_table_is_said(table, code):
    assert refused(array_form(), streamed(table), formats.ARROW_STREAM).code == code


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"a": [1]}, "missing-column"),
        ({"z": [1], "a": [1]}, "unknown-column"),
        ({"a": [1, 2], "b": [1.0], "c": ["x"], "d": [True], "e": np.array(["2020"], "M8[s]")}, "wrong-form"),
        ({"a": [[1, 2]], "b": [1.0], "c": ["x"], "d": [True], "e": np.array(["2020"], "M8[s]")}, "wrong-form"),
        ({"a": [1.0], "b": [1.0], "c": ["x"], "d": [True], "e": np.array(["2020"], "M8[s]")}, "wrong-value"),
    ],
)
def test_what_is_wrong_with_columns_is_said(columns, code):
    assert refused(frame_form(), zipped(**columns), formats.NPZ).code == code


@pytest.mark.parametrize("form", [array_form(), array_form(sizes=()), array_form(sizes=(2, 2))])
def test_a_file_without_arrays_has_no_rows(form):
    assert refused(form, zipped(), formats.NPZ).code == "no-rows"
    assert refused(frame_form(), zipped(), formats.NPZ).code == "missing-column"


def with_header(text):
    """A file of one number whose header is `text`."""
    return saved(np.zeros(1))[:8] + len(text).to_bytes(2, "little") + text + bytes(8)


@pytest.mark.parametrize(
    "header",
    [
        b"__import__('os').system('id')",
        b"{'descr': open('x'), 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), **{}}",
        b"{'descr': 'no type', 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}",
        b"[1, 2]",
        b"{1, 2, 3}",
        b"{",
    ],
)
def test_a_header_that_is_not_numpy_s_is_refused_without_a_word_of_ours(header):
    good = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}"
    assert npy.read(with_header(good))[""].array.tolist() == [0]
    error = refused(array_form(), with_header(header), formats.NPY)
    assert error.code == "malformed-body"
    assert not re.search(r"0x[0-9a-f]{4}|ast\.|malformed node", str(error))


def test_a_plain_array_is_no_frame():
    assert refused(frame_form(), RIGHT, formats.NPY).code == "wrong-form"


def test_other_types_name_those_that_are_taken():
    error = refused(array_form(), RIGHT, "application/octet-stream")
    assert error.code == "wrong-content-type"
    assert error.facts["wanted"] == request_types()


OUTPUTS = {
    "label": np.array([1, -2]),
    "score": np.array([[0.1, np.nan], [np.inf, 1e20]], "f4"),
    "text": np.array(['a"b', "c,d"], object),
    "right": np.array([True, False]),
}


def test_answers_keep_their_values_in_every_form():
    lines = csv.write(OUTPUTS).decode().splitlines()
    wanted = ["label,score_0,score_1,text,right", '1,0.1,,"a""b",true', '-2,,1e+20,"c,d",false']
    assert lines == wanted
    for stream, opened in ((arrow.write_stream, pa.ipc.open_stream), (arrow.write_file, pa.ipc.open_file)):
        table = opened(stream(OUTPUTS)).read_all()
        assert table["label"].to_pylist() == [1, -2]
        assert table["text"].to_pylist() == ['a"b', "c,d"]
        assert np.array_equal(np.array(table["score"].to_pylist(), "f4"), OUTPUTS["score"], equal_nan=True)
    loaded = np.load(io.BytesIO(npz.write(OUTPUTS)), allow_pickle=False)
    assert list(loaded) == list(OUTPUTS)
    assert loaded["text"].tolist() == ['a"b', "c,d"]
    assert np.array_equal(np.load(io.BytesIO(npy.write(OUTPUTS["score"]))), OUTPUTS["score"], equal_nan=True)


def test_the_same_answer_has_the_same_bytes():
    assert npz.write(OUTPUTS) == npz.write(OUTPUTS)


def test_outputs_that_are_no_columns_are_not_acceptable_as_a_table():
    form = array_form()
    request = PlainRequest(body=b"[[1,2]]", accept=b"text/csv")
    answer = form.read(request).write({"y": np.array(1.0)})
    assert isinstance(answer, RequestError)
    assert answer.code == "not-acceptable"
