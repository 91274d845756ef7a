"""What is in the columns of a table, held against plain Python."""

import datetime as dt
import math
import statistics
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.data.sets.formats import Delimited
from modelyard.data.sets.profile import QUANTILES, ColumnProfile, Frequency, Profile
from modelyard.data.sets.profiling import profile_of
from modelyard.data.sets.tabular import Table, read_table

numbers = st.one_of(st.none(), st.floats(-1e9, 1e9), st.sampled_from([math.nan, math.inf, 0.0, 1.0]))


def profiled(values: pa.Array) -> ColumnProfile:
    return profile_of(Table(pa.table({"x": values}))).columns[0]


@given(st.lists(numbers, max_size=20))
def test_figures_of_numbers_are_those_of_plain_python(values: list[float | None]) -> None:
    there = [one for one in values if one is not None and not math.isnan(one)]
    finite = [one for one in there if math.isfinite(one)]
    found = profiled(pa.array(values, pa.float64()))

    assert (found.count, found.missing) == (len(there), len(values) - len(there))
    assert (found.distinct, found.infinite) == (len({one + 0.0 for one in there}), len(there) - len(finite))
    if finite:
        assert (found.min, found.max) == (min(finite), max(finite))
        assert found.mean == pytest.approx(statistics.fmean(finite), abs=1e-3)
        assert found.quantiles == pytest.approx(tuple(np.quantile(finite, QUANTILES)), abs=1e-3)
    if len(finite) > 1:
        assert found.std == pytest.approx(statistics.stdev(finite), rel=1e-6, abs=1e-3)


def test_what_is_in_texts_and_times_is_said() -> None:
    texts = profiled(pa.array(["b", "a", "ü" * 300, None, "b", "c", "d", "e"]).dictionary_encode())
    assert (texts.type, texts.count, texts.missing, texts.distinct) == ("text", 7, 1, 6)
    assert (texts.min, texts.max, texts.longest) == ("a", "ü" * 200, 300)
    assert texts.frequent[:2] == (Frequency(value="b", count=2), Frequency(value="a", count=1))
    assert len(texts.frequent) == 5

    dates = profiled(pa.array([dt.date(2024, 1, 2), None, dt.date(2023, 1, 2)]))
    assert (dates.type, dates.min, dates.max, dates.distinct) == ("date", "2023-01-02", "2024-01-02", 2)
    times = profiled(pa.array([dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC)]))
    assert (times.type, times.min) == ("time", "2024-01-02 03:00:00.000000Z")


COLUMNS = {
    "list": (pa.array([[1], None]), "other", None),
    "boolean": (pa.array([True, None]), "boolean", None),
    "decimal": (pa.array([Decimal("1.5"), None]), "number", 1.5),
    "half": (pa.array([1.5, None], pa.float16()), "number", 1.5),
    "codes": (pa.array([7, None]).dictionary_encode(), "integer", 7),
    "large": (pa.array([2**64 - 1, None], pa.uint64()), "integer", 2**64 - 1),
    "view": (pa.array(["x", None], pa.string_view()), "text", "x"),
    "bytes": (pa.array([b"\xff", None]), "other", None),
}


def test_columns_of_every_kind_have_a_profile() -> None:
    arrow = pa.table({name: values for name, (values, *_) in COLUMNS.items()})
    found = profile_of(Table(arrow))

    assert [(one.name, one.type, one.max) for one in found.columns] == [(n, *rest) for n, (_, *rest) in COLUMNS.items()]
    assert {(one.count, one.missing, one.distinct or 1, one.std) for one in found.columns} == {(1, 1, 1, None)}
    assert Profile.from_json(found.to_json()) == found
    empty = profile_of(Table(arrow.slice(0, 0).append_column("none", [[]])))
    assert {(one.count, one.missing, one.distinct or 0, one.max) for one in empty.columns} == {(0, 0, 0, None)}
    assert (empty.rows, empty.column("none").type, empty.column("no")) == (0, "text", None)


def test_ten_thousand_columns_are_read_and_profiled(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(10_000)]
    (tmp_path / "f").write_text("\n".join([",".join(names), ",".join(["1"] * 10_000), ",".join(["2.5"] * 10_000)]))

    profile = profile_of(read_table({"f": tmp_path / "f"}, Delimited()))

    assert (profile.rows, [one.name for one in profile.columns]) == (2, names)
    assert {(one.type, one.mean) for one in profile.columns} == {("number", 1.75)}
