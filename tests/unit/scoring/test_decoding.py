"""Bodies become rows, or errors that say what is wrong."""

import contextlib
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_scoring.decoding import document
from modelyard_scoring.decoding.array import ArrayForm
from modelyard_scoring.decoding.column import Column, nanoseconds
from modelyard_scoring.decoding.frame import FrameForm
from modelyard_scoring.errors import MalformedError, RequestError, ValueRefusedError
from modelyard_scoring.formats.values import MISSING_TEXT

KINDS = ["bool", "int8", "int64", "uint8", "uint64", "float16", "float32", "float64", "string"]
DTYPES = {"string": "O", "datetime": "i8"}


def column(kind, *, nullable=False, dtype=None):
    return Column(kind, np.dtype(dtype or DTYPES.get(kind, kind)), nullable=nullable)


def array_form(kind, sizes=(2,), **more):
    return ArrayForm(column(kind, **more), sizes, max_rows=100)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**66), 2**66),
    st.sampled_from([0, 1, 127, 128, -128, -129, 255, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.just(MISSING_TEXT),
)
values = st.one_of(scalars, st.lists(scalars, max_size=2), st.dictionaries(st.text(max_size=2), scalars, max_size=2))


def belongs(kind, value, *, nullable):
    """The rule in plain words, to hold against the decoder."""
    if value is None:
        return nullable
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str) and value != MISSING_TEXT
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if kind.startswith("float"):
        return abs(value) <= float(np.finfo(kind).max)
    return isinstance(value, int) and np.iinfo(kind).min <= value <= np.iinfo(kind).max


@settings(max_examples=400, deadline=None)
@given(kind=st.sampled_from(KINDS), nullable=st.booleans(), rows=st.lists(st.lists(values, max_size=3), max_size=3))
def test_an_array_is_taken_exactly_when_every_value_belongs(kind, nullable, rows):
    nullable = nullable and kind in {"float16", "float32", "float64", "string"}
    form = array_form(kind, nullable=nullable)
    right = bool(rows) and all(
        len(row) == 2 and all(belongs(kind, value, nullable=nullable) for value in row) for row in rows
    )
    try:
        decoded = form.from_json(json.dumps({"data": rows}).encode())
    except RequestError:
        assert not right
    else:
        assert right
        assert decoded.count == len(rows)
        array = column(kind, nullable=nullable).array(decoded.parts[0])
        assert array.shape == (len(rows), 2)
        for got, sent in zip(array.ravel().tolist(), [value for row in rows for value in row], strict=True):
            assert same(kind, got, sent)


def same(kind, got, sent):
    if sent is None:
        return got == MISSING_TEXT if kind == "string" else math.isnan(got)
    if kind.startswith("float"):
        with np.errstate(over="ignore"):
            return got == float(np.dtype(kind).type(sent))
    return got == sent and type(got) is type(sent)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused(body):
    for form in (array_form("float32"), FrameForm({"a": column("int64")}, 10)):
        for read in (form.from_json, form.from_csv):
            with contextlib.suppress(RequestError):
                assert read(body).count > 0


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "columns", "index", "a", "b", "instances"]), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_any_document_is_decoded_or_refused(document):
    body = json.dumps(document).encode()
    for form in (array_form("int64"), array_form("float64", ()), FrameForm({"a": column("int64")}, 10)):
        with contextlib.suppress(RequestError):
            rows = form.from_json(body)
            assert rows.count == len(rows.parts[0]) > 0


def test_frames_keep_columns_apart_whatever_their_order():
    form = FrameForm({"a": column("int64"), "b": column("string")}, 10)
    body = json.dumps([{"b": "x", "a": 1}, {"a": 2, "b": "y"}]).encode()
    assert form.from_json(body).parts == ([1, 2], ["x", "y"])


def test_deeper_arrays_are_checked_at_every_level():
    form = array_form("float32", (2, 1))
    assert form.from_json(b"[[[1],[2]]]").parts == ([[[1.0], [2.0]]],)
    with pytest.raises(RequestError, match="Row 0 has 1 values, wanted 2"):
        form.from_json(b"[[[1]]]")


def test_a_free_size_takes_any_width():
    assert array_form("float32", (None,)).from_json(b"[[1,2,3]]").parts == ([[1, 2, 3]],)


def test_a_nullable_integer_goes_into_floats_as_nan():
    wanted = column("int32", nullable=True, dtype="float64")
    wanted.check([1, None], 0, "a")
    assert np.array_equal(wanted.array([1, None]), [1.0, np.nan], equal_nan=True)


def test_integers_beyond_what_float32_holds_exactly_are_refused():
    wanted = column("int64", dtype="float32")
    wanted.check([2**24], 0, "a")
    with pytest.raises(ValueRefusedError, match=r"row 3, column 'a': wanted a whole number from -16777216 to"):
        wanted.check([2**24 + 1], 3, "a")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01", 0),
        ("2262-04-11", 9223286400 * 10**9),
        ("2263-01-01", None),
        ("1677-01-01", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("", None),
        ("now", None),
        ("2020-02-30", None),
    ],
)
def test_times_are_nanoseconds_since_1970(text, count):
    assert nanoseconds(text) == count


RECORD = '{"a": 1, "b": "x:y"}'


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("[R, R]", True),
        ('{"instances": [R]}', True),
        ('[{"b": "::", "a": 2}]', True),
        ('[{"b": "\\u003a", "a": 2}]', True),
        ('[{"a": 1, "a": 1, "b": "x"}]', False),
        ('[{"a": 1, "a": 1, "b": "\\u003A"}]', False),
        ('[{"a": 1, "\\u0061": 1, "b": "x"}]', False),
        ('[{"a": 1, "b": "x", "b": "x:y"}, R]', False),
        ('[{"a": 1, "b": "x:y", "b": "x"}, R]', False),
        ('{"data": [R], "data": [R]}', False),
        ('{"columns": ["a", "b"], "data": [[1, "x"]], "columns": ["a", "b"]}', False),
        ('{"columns": ["a", "b"], "data": [[1, "x"]]}', True),
    ],
)
def test_a_name_that_comes_twice_in_a_frame_is_refused(text, right):
    form = FrameForm({"a": column("int64"), "b": column("string")}, 10)
    body = text.replace("R", RECORD).encode()
    if right:
        assert form.from_json(body).count > 0
    else:
        with pytest.raises(MalformedError, match="comes twice"):
            form.from_json(body)


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "new\nline", "", "a:b", "ü"])
def test_columns_may_have_any_name(name):
    form = FrameForm({name: column("float32"), "b": column("datetime")}, 10)
    rows = [{name: 1.5, "b": "2020-01-01T00:00"}] * 2
    assert form.from_json(json.dumps(rows).encode()).parts == ([1.5] * 2, ["2020-01-01T00:00"] * 2)
    with pytest.raises(ValueRefusedError, match=r"row 1, column 'b'"):
        form.from_json(json.dumps([rows[0], {**rows[0], "b": "now"}]).encode())


@settings(max_examples=300, deadline=None)
@given(st.lists(st.fixed_dictionaries({"a": scalars, "b": scalars, "c": scalars}), min_size=1, max_size=3))
def test_records_are_taken_exactly_when_every_value_belongs(rows):
    form = FrameForm({"a": column("int8"), "b": column("string", nullable=True), "c": column("uint64")}, 10)
    kinds = {"a": "int8", "b": "string", "c": "uint64"}
    right = all(belongs(kinds[name], value, nullable=name == "b") for row in rows for name, value in row.items())
    body = json.dumps(rows).encode()
    if right:
        assert form.from_json(body).parts == tuple([row[name] for row in rows] for name in kinds)
    else:
        with pytest.raises(ValueRefusedError):
            form.from_json(body)


def test_a_name_that_comes_twice_among_very_many_is_found_in_one_pass():
    names = ", ".join(f'"{number}": 1' for number in range(200_000))
    with pytest.raises(MalformedError, match="'199999' comes twice"):
        document.parse(f'{{{names}, "199999": 1}}'.encode())


@pytest.mark.parametrize(
    ("kind", "text", "wanted", "got"),
    [
        ("float16", "65520", "a number up to 65504", "the number 65520"),
        ("float32", "1e39", "a number up to 3.4028e+38", "the number about 1e+39"),
        ("int64", "18446744073709551616", f"a whole number from {-(2**63)} to {2**63 - 1}", "1.8446744073709552e+19"),
        ("int64", "2.5", f"a whole number from {-(2**63)} to {2**63 - 1}", "the number 2.5"),
    ],
)
def test_what_was_wanted_is_told_so_that_it_is_not_what_was_got(kind, text, wanted, got):
    with pytest.raises(ValueRefusedError) as caught:
        array_form(kind, ()).from_json(f"[{text}]".encode())
    assert caught.value.facts["wanted"] == wanted
    assert got in caught.value.facts["got"]


@pytest.mark.parametrize("number", ["1e400", "9" * 5000, "-1e309"])
def test_a_number_beyond_all_floats_is_told_with_its_place(number):
    with pytest.raises(MalformedError, match=r"a number is beyond 1\.7977e\+308, .* at line 2, column 2"):
        document.parse(f"[1,\n {number}]".encode())


@pytest.mark.parametrize(
    ("kind", "largest", "too_large"),
    [("float16", 65519.99, 65520), ("float32", 3.4028235e38, 3.4028236e38), ("float64", 1.7976931348623157e308, None)],
)
def test_a_number_is_in_range_if_it_is_rounded_to_one_that_is(kind, largest, too_large):
    wide = column(kind)
    for sign in (1, -1):
        wide.check([sign * largest], 0, "x")
        assert wide.array([sign * largest])[0] == sign * np.finfo(kind).max
        if too_large is not None:
            with pytest.raises(ValueRefusedError):
                wide.check([sign * too_large], 0, "x")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1\n\n2\n", [1.0, None, 2.0]),
        ("\n1\n\n\n2", [None, 1.0, None, None, 2.0]),
        ('1\r\n""\r\n2\r\n""\r\n', [1.0, None, 2.0, None]),
        ("1\n\n\n", [1.0]),
        ("1\n \n2", [1.0, None, 2.0]),
    ],
)
def test_a_line_of_nothing_is_a_row_where_rows_have_one_value(text, wanted):
    body = text.encode()
    assert array_form("float32", (), nullable=True).from_csv(body).parts == (wanted,)
    for width in (1, None):
        assert array_form("float32", (width,), nullable=True).from_csv(body).parts == ([[one] for one in wanted],)
    assert FrameForm({"x": column("float32", nullable=True)}, 10).from_csv(b"x\n" + body).parts == (wanted,)


def test_a_line_of_nothing_is_refused_where_null_is():
    with pytest.raises(ValueRefusedError, match=r"row 1, column 0: wanted .*, got the text ''"):
        array_form("float32", (1,)).from_csv(b"1\n\n2\n")
    assert array_form("float32").from_csv(b"1,2\n\n3,4\n").parts == ([[1, 2], [3, 4]],)


def test_very_many_columns_are_put_in_order_in_one_pass():
    form = FrameForm({str(number): column("float32") for number in range(30_000)}, 10)
    names = [str(number) for number in reversed(range(30_000))]
    rows = form.from_json(json.dumps({"columns": names, "data": [list(range(30_000))]}).encode())
    assert [rows.parts[0], rows.parts[29_999]] == [[29_999], [0]]
