"""Tensors by name are what NumPy makes of them, and what is wrong is told of the tensor that it is in."""

import io
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modelyard_scoring import formats
from modelyard_scoring.decoding.array import ArrayForm
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.rows import Rows, sizes_of
from modelyard_scoring.decoding.tensors import TensorsForm
from modelyard_scoring.engines.tabular import Tabular
from modelyard_scoring.errors import RequestError
from modelyard_scoring.http1.request import PlainRequest
from modelyard_scoring.service.folder import Limits

DTYPES = {"ids": "int64", "mask": "int64", "pixels": "float32", "flag": "bool", "word": "string", "when": "datetime"}
SIZES = {"ids": (None,), "mask": (None,), "pixels": (3, 2, 2), "flag": (), "word": (None,), "when": (1,)}
AXES = {"ids": ["length"], "mask": ["length"], "pixels": [None] * 3, "flag": [], "word": [None], "when": [None]}


def form(*names, max_rows=100):
    dtypes = {"string": "O", "datetime": "i8"}
    forms = {}
    for name in names or DTYPES:
        kind = DTYPES[name]
        forms[name] = ArrayForm(Column(kind, np.dtype(dtypes.get(kind, kind)), nullable=False), SIZES[name], max_rows)
    return TensorsForm(forms, AXES, max_rows)


def read(body, kind="application/json", *names):
    limits = Limits(max_rows=100, max_body_bytes=10**6)
    tabular = Tabular(form(*names), limits, columns=len(names or DTYPES), outputs=["y"])
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return tabular.read(PlainRequest(body=body, content_type=kind.encode()))


def refused(body, kind="application/json", *names):
    with pytest.raises(RequestError) as caught:
        read(body, kind, *names)
    return caught.value


@st.composite
def requests(draw):
    """An array for each tensor, all of one number of rows, and the two of one length."""
    rows, length, width = (draw(st.integers(1, 5)) for _ in range(3))
    free = {"ids": (length,), "mask": (length,), "word": (width,)}
    floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
    texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0\0"), max_size=3)
    return {
        name: draw(
            arrays.arrays(
                "M8[us]" if kind == "datetime" else "U3" if kind == "string" else kind,
                (rows, *free.get(name, SIZES[name])),
                elements={
                    "float32": floats,
                    "string": texts,
                    "datetime": st.integers(-(2**62) // 1000, 2**62 // 1000).map(lambda n: np.datetime64(n, "us")),
                }.get(kind),
            )
        )
        for name, kind in DTYPES.items()
    }


def saved(tensors):
    stream = io.BytesIO()
    np.savez(stream, **tensors)
    return stream.getvalue()


def lists(array):
    """A column of Arrow with an item for each row."""
    column = pa.array(array.reshape(-1).tolist())
    for size in reversed(array.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, size)
    return column


def streamed(tensors):
    table = pa.table({name: lists(array) for name, array in tensors.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def plain(array):
    return np.datetime_as_string(array).tolist() if array.dtype.kind == "M" else array.tolist()


@settings(max_examples=60, deadline=None)
@given(requests(), st.randoms(use_true_random=False), st.sampled_from(["data", "input_data", "instances"]))
def test_tensors_are_the_same_in_every_form(tensors, random, wrapper):
    names = list(tensors)
    random.shuffle(names)
    named = {name: plain(tensors[name]) for name in names}
    records = [dict(zip(names, row, strict=True)) for row in zip(*named.values(), strict=True)]
    wanted = [array.astype("M8[ns]").view("i8") if array.dtype.kind == "M" else array for array in tensors.values()]
    for body, kind in [
        ({wrapper: named}, "application/json"),
        ({"id": "a:b", wrapper: named}, "application/json"),
        (records, "application/json"),
        ({wrapper: records}, "application/json"),
        (saved({name: tensors[name] for name in names}), formats.NPZ),
        (streamed({name: tensors[name] for name in names}), formats.ARROW_STREAM),
    ]:
        rows = read(body, kind)
        assert rows.count == len(wanted[0])
        for got, own in zip(rows.parts, wanted, strict=True):
            assert got.shape == own.shape
            assert got.tolist() == own.tolist()


IDS = {"ids": [[1, 2], [3, 4]], "mask": [[1, 1], [1, 0]]}


@pytest.mark.parametrize(
    ("change", "code", "tensor", "text"),
    [
        ({"mask": [[1, 1]]}, "wrong-form", "mask", "Wanted 2 rows in the tensor 'mask', as in 'ids', got 1."),
        (
            {"mask": [[1], [1]]},
            "wrong-form",
            "mask",
            "2 values along 'length' in the tensor 'mask', as in 'ids', got 1",
        ),
        ({"mask": [[1, 1], [1]]}, "ragged-row", "mask", "In the tensor 'mask': Row 1 has 1 values, wanted 2."),
        ({"ids": [[1, 2], [3, "4"]]}, "wrong-value", "ids", "In the tensor 'ids': At row 1, column 1: wanted a whole"),
        ({"ids": [[1, 2], [3, 4.0]]}, "wrong-value", "ids", "got the number 4.0"),
        ({"ids": [[1, 2], 3]}, "wrong-form", "ids", "a list of 2 as row 1"),
        ({"ids": [[[1, 2]], [[3, 4]]]}, "wrong-value", "ids", "got a list of 2"),
        ({"ids": [[], []]}, "ragged-row", "ids", "In the tensor 'ids'"),
        ({"ids": []}, "no-rows", "ids", "In the tensor 'ids'"),
        ({"ids": 3}, "wrong-form", "ids", "Wanted a list of rows, got the number 3."),
        ({"ids": {"data": [[1, 2]]}}, "wrong-form", "ids", "got an object of 1"),
    ],
)
def test_what_is_wrong_names_the_tensor(change, code, tensor, text):
    error = refused({"data": {**IDS, **change}}, "application/json", "ids", "mask")
    assert (error.code, error.facts["tensor"]) == (code, tensor)
    assert text in str(error)


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({"data": {"ids": [[1]]}}, "missing-column", "'mask' is missing"),
        ({"data": {**IDS, "masc": [[1]]}}, "unknown-column", "'masc' is not one of the model's. Did you mean 'mask'?"),
        (b'{"data": {"ids": [[1]], "ids": [[1]], "mask": [[1]]}}', "malformed-body", "'ids' comes twice"),
        (b'{"data": {"ids": [[1]], "mask": [[1]]}, "data": 1}', "malformed-body", "'data' comes twice"),
        (b'[{"ids": [1], "mask": [1], "mask": [1]}]', "malformed-body", "'mask' comes twice"),
        (b'{"data": {"ids": [[1]], "mask": [[1]]', "malformed-body", "at line 1"),
        (b'{"data": {"ids": [[1]], "mask": [[1 2]]}}', "malformed-body", "at line 1"),
        (IDS, "wrong-form", "an object with 'ids', 'mask'"),
        ({"data": IDS, "instances": IDS}, "wrong-form", "an object with 'data', 'instances'"),
        ({"data": 3}, "wrong-form", "Wanted tensors as"),
        ({"data": []}, "no-rows", "no rows"),
        ([{"ids": [1]}], "missing-column", "'mask' is missing in row 0"),
        ([{"ids": [1], "mask": [1], "x": 1}], "unknown-column", "'x' is not one"),
        ([{"ids": [1], "mask": [1]}, [1]], "wrong-form", "as row 1, got a list of 1"),
        ([{"ids": [1], "mask": [1]}, {"ids": [1], "mask": [1, 2]}], "ragged-row", "In the tensor 'mask': Row 1 has 2"),
        ([{"ids": [1], "mask": [1]}] * 101, "too-many-rows", "101 rows"),
        ({"data": {"ids": [[1]] * 101, "mask": [[1]] * 101}}, "too-many-rows", "101 rows"),
    ],
)
def test_what_holds_no_tensors_is_refused(body, code, text):
    error = refused(body, "application/json", "ids", "mask")
    assert error.code == code
    assert text in str(error)


def test_arrays_of_another_form_are_refused():
    ids = np.array(IDS["ids"])
    names = ("ids", "mask")
    assert "the tensor 'ids': Wanted one array of the shape (rows, any)" in str(
        refused(saved({"ids": ids[0], "mask": ids}), formats.NPZ, *names)
    )
    assert refused(saved({"ids": ids}), formats.NPZ, *names).code == "missing-column"
    stream = io.BytesIO()
    np.save(stream, ids)
    assert "with its name" in str(refused(stream.getvalue(), formats.NPY, *names))
    assert refused(b"ids,mask\n1,2\n", formats.CSV, *names).code == "wrong-form"


def test_rows_of_other_sizes_are_told_apart_whatever_they_are_read_from():
    names = ("ids", "mask")
    listed = read({"data": IDS}, "application/json", *names)
    packed = read(saved({name: np.array(rows) for name, rows in IDS.items()}), formats.NPZ, *names)
    longer = read([{"ids": [1, 2, 3], "mask": [1, 1, 1]}], "application/json", *names)
    assert sizes_of(listed) == sizes_of(packed) == ((2,), (2,))
    assert sizes_of(longer) == ((3,), (3,))
    assert sizes_of(Rows(2, ([[[1, 2]], [[3, 4]]], ["a", "b"]))) == ((1, 2), ())
