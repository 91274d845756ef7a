"""Rows of several requests that are read as one text are those that are read one by one, or are left to that."""

import json
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelyard_scoring.decoding import joined
from modelyard_scoring.decoding.array import ArrayForm
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.joined import RowText
from modelyard_scoring.engines.tensors import split, write_json
from modelyard_scoring.errors import RequestError

KINDS = [("float32", "f4"), ("float64", "f8"), ("int8", "i1"), ("int64", "i8"), ("uint64", "u8"), ("int32", "f4")]
PIECES = [
    "1",
    "2.5",
    "-0",
    "1e400",
    "3e38",
    "4e38",
    "128",
    "01",
    "1.",
    "NaN",
    "null",
    "true",
    '"1"',
    "18446744073709551615",
]
JUNK = [
    "",
    " ",
    ",",
    "[",
    "]",
    "],[",
    "],[",
    "1,2],[3,4",
    "{",
    "}",
    '"',
    '"a":',
    "\n",
    "]]}",
    '{"data":[[',
    "\x00",
    "é",
]


def form(kind="float64", dtype="f8", width=2, **more):
    return ArrayForm(Column(kind, np.dtype(dtype), nullable=False, **more), (width,), 100)


def alone(one, body):
    """What a body holds when it is read by itself; None where it is refused."""
    try:
        (values,) = one.from_json(body).parts
    except RequestError:
        return None
    return one._column.array(values)


bodies = st.lists(st.sampled_from([*PIECES, *JUNK, ",", ","]), max_size=6).map("".join)
row_of_two = st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1, 1))
openings = st.sampled_from(["", '{"data":', '{"data": ', '{"instances":'])
wrapped = st.builds("{}[[{}]]{}".format, openings, bodies, st.sampled_from(["", "}"]))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(KINDS), st.lists(wrapped | bodies, min_size=1, max_size=4))
@example(("float64", "f8"), ["[[1],2]]", "[[3,[4]]"])
@example(("float64", "f8"), ["[[[1,2]]", "[[3,4]]]"])
@example(("float64", "f8"), ["[[1,2]]]", "[[[3,4]]"])
@example(("float64", "f8"), ["[[1],[2]]", "[[3,4]]"])
@example(("float64", "f8"), ['{"data":[[1,2]]}', "[[1,2]]}"])
def test_what_is_read_together_is_what_is_read_alone(kind, texts):
    one = form(*kind)
    rows = [one.put_off(text.encode()) for text in texts]
    if None in rows:
        rows = [row for row in rows if row is not None]
        texts = [row.body.decode() for row in rows]
    together = one.read(rows) if rows else None
    if together is not None:
        wanted = [alone(one, text.encode()) for text in texts]
        assert all(array is not None for array in wanted)
        assert [array.shape for array in wanted] == [(row.count, 2) for row in rows]
        assert together.dtype == wanted[0].dtype
        np.testing.assert_array_equal(together, np.concatenate(wanted))


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 60), st.lists(wrapped, min_size=1, max_size=6))
def test_texts_read_in_groups_are_those_read_at_once(size, texts):
    one = form()
    rows = [row for row in (one.put_off(text.encode()) for text in texts) if row is not None]
    if rows:
        at_once = one.read(rows)
        with mock.patch.object(joined, "_GROUP", size):
            in_groups = one.read(rows)
        assert (at_once is None) is (in_groups is None)
        np.testing.assert_array_equal(at_once, in_groups)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(row_of_two, min_size=1, max_size=5), min_size=1, max_size=20))
def test_right_rows_are_read_together(bodies):
    one = form()
    texts = [one.put_off(json.dumps({"data": rows}).encode()) for rows in bodies]
    assert [text.count for text in texts] == [len(rows) for rows in bodies]
    np.testing.assert_array_equal(one.read(texts), np.concatenate(bodies))


OTHERS = ["[1,2]", '{"rows":[[1,2]]}', '{"data":[[1,2]]', "", "[[1,2]]}"]


@pytest.mark.parametrize("body", OTHERS)
def test_what_does_not_look_like_rows_is_not_put_off(body):
    assert form().put_off(body.encode()) is None


def test_more_rows_than_there_may_be_are_not_put_off():
    assert form().put_off(b"[[1,2]%b]" % (b",[1,2]" * 99)).count == 100
    assert form().put_off(b"[[1,2]%b]" % (b",[1,2]" * 100)) is None


@pytest.mark.parametrize(
    "body", ["[[]]", "[[1]]", "[[1,2,3]]", "[[1,2]", "[[1,[2]]]", "[[1,2],[3]]", "[[[1,2],[3,4]]]"]
)
def test_a_row_of_another_length_or_depth_is_left_to_be_told(body):
    one = form()
    row = one.put_off(body.encode())
    assert row is None or one.read([one.put_off(b"[[1,2]]"), row]) is None


@pytest.mark.parametrize("case", [("int8", "i1", "128"), ("int64", "i8", "1.0"), ("float32", "f4", "1e39")])
def test_a_value_that_the_column_does_not_hold_is_left_to_be_told(case):
    kind, dtype, value = case
    one = form(kind, dtype)
    assert one.read([one.put_off(f"[[1,{value}]]".encode())]) is None
    assert alone(one, f"[[1,{value}]]".encode()) is None


def drawn(data, shape):
    """An array of any numbers of any type, NaN among them."""
    dtype = np.dtype(data.draw(numbers))
    size = int(np.prod(shape))
    raw = np.frombuffer(data.draw(st.binary(min_size=size * 8, max_size=size * 8)), "u1")
    return (raw[:size] % 2 == 1 if dtype.kind == "b" else raw[: size * dtype.itemsize].view(dtype)).reshape(shape)


numbers = st.sampled_from(["f2", "f4", "f8", "i1", "i8", "u8", "?"])


@settings(max_examples=200, deadline=None)
@given(st.data(), st.lists(st.integers(1, 3), min_size=2, max_size=5), st.sampled_from(["y", 'a"b', "50%", "ä"]))
def test_answers_written_together_are_those_written_alone(data, counts, name):
    total = sum(counts)
    outputs = {f"{name}{i}": drawn(data, shape) for i, shape in enumerate([(total,), (total, 1), (total, 3)])}
    batch = [RowText(b"", b"", count=count) for count in counts]
    parts = [slice(end - count, end) for end, count in zip(np.cumsum(counts), counts, strict=True)]
    assert split(outputs, batch) == [
        write_json({name: array[part] for name, array in outputs.items()}) for part in parts
    ]
