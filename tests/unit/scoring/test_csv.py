"""Headers of CSV, and what comes back of CSV that was answered."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_scoring import formats
from modelyard_scoring.decoding.array import ArrayForm
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.frame import FrameForm
from modelyard_scoring.engines.tabular import Tabular
from modelyard_scoring.errors import RequestError
from modelyard_scoring.formats import csv
from modelyard_scoring.http1.request import PlainRequest
from modelyard_scoring.service.folder import Limits

HEADER = "text/csv; header=present"


def column(kind, *, nullable=False):
    return Column(kind, np.dtype("O" if kind == "string" else kind), nullable=nullable)


def tabular(form, columns=1):
    return Tabular(form, Limits(max_rows=100), columns=columns, outputs=["y"])


def array_form(sizes=(2,)):
    return tabular(ArrayForm(column("float32"), sizes, 100))


def read(form, body, kind):
    return form.read(PlainRequest(body=body, content_type=kind.encode()))


def refused(form, body, kind):
    with pytest.raises(RequestError) as caught:
        read(form, body, kind)
    return caught.value


def test_a_header_is_left_out_of_an_array_where_one_is_said_to_be_there():
    body = b"a,b\r\n1,2\r\n3,4\r\n"
    assert read(array_form(), body, HEADER).parts == ([[1, 2], [3, 4]],)
    assert refused(array_form(), body, formats.CSV).facts["got"] == "the text 'a'"
    assert read(array_form(sizes=(None,)), body, HEADER).parts == ([[1, 2], [3, 4]],)
    assert read(array_form(sizes=()), b"a\n1\n2\n", HEADER).parts == ([1, 2],)
    assert refused(array_form(), b"a\n1,2\n", HEADER).facts["got"] == "1"
    for empty in (b"a,b\n", b""):
        assert refused(array_form(), empty, HEADER).code == "no-rows"


@pytest.mark.parametrize("kind", [formats.CSV, HEADER])
def test_a_frame_has_a_header_in_any_case(kind):
    form = tabular(FrameForm({"a": column("int64"), "b": column("string")}, 100), 2)
    assert read(form, b"b,a\nx,7\n", kind).parts == ([7], ["x"])


@pytest.mark.parametrize("kind", [formats.CSV, HEADER])
def test_a_header_is_left_out_in_steps_too(kind):
    lines = b"0,0\r\n" + b"1,2\r\n" * 90_000
    form = Tabular(ArrayForm(column("float32"), (2,), 10**6), Limits(), columns=1, outputs=["y"])
    counts = []

    def steps():
        rows = yield from form.read_in_steps(PlainRequest(body=lines, content_type=kind.encode()))
        counts.append(rows.count)

    assert len(list(steps())) > 1
    assert counts == [90_000 + (kind == formats.CSV)]


cells = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float32": st.one_of(st.floats(width=32, allow_nan=False, allow_infinity=False), st.none()),
    "float64": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.none()),
    "bool": st.booleans(),
    # a null text and an empty one are the same cell
    "string": st.text(st.characters(codec="utf-8", exclude_characters="\ufdd0"), min_size=1, max_size=5) | st.none(),
}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(list(cells)), min_size=1, max_size=3), st.data())
def test_csv_that_was_answered_is_read_as_it_was(kinds, data):
    rows = data.draw(st.integers(1, 4))
    columns = {
        f"c{place}": column(kind, nullable=kind in {"float32", "float64", "string"}) for place, kind in enumerate(kinds)
    }
    sent = {name: data.draw(st.lists(cells[one.kind], min_size=rows, max_size=rows)) for name, one in columns.items()}
    arrays = {name: one.array(sent[name]) for name, one in columns.items()}
    outputs = {name: np.where(one == "\ufdd0", None, one) if one.dtype == "O" else one for name, one in arrays.items()}
    form = FrameForm(columns, 100)
    parts = form.from_csv(csv.write(outputs)).parts
    for got, one, wanted in zip(parts, columns.values(), arrays.values(), strict=True):
        np.testing.assert_array_equal(one.array(got), wanted)
