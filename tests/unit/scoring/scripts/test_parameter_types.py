"""Values of JSON as the types that samples declare."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from modelyard_scoring.schema_decorators import (
    NumpyParameterType,
    PandasParameterType,
    StandardPythonParameterType,
    input_schema,
    output_schema,
)
from modelyard_scoring.scripts.errors import ArgumentError
from modelyard_scoring.scripts.typed import find_typing

FRAME = pd.DataFrame({"a": [1], "b": ["x"]})


@pytest.mark.parametrize(
    ("sample", "given", "wanted"),
    [
        (np.array([[1.0, 2.0]]), [[1, 2], [3, 4]], np.array([[1.0, 2.0], [3.0, 4.0]])),
        (np.array([1]), [3, 4], np.array([3, 4])),
        (np.array(["x"]), ["y"], np.array(["y"])),
        (np.array(["2020-01-01"], "M8[s]"), ["2021-01-01T00:00:01"], np.array(["2021-01-01T00:00:01"], "M8[s]")),
        (
            np.array([(1, "x")], [("n", "i4"), ("s", "U4")]),
            [{"s": "y", "n": 2}],
            np.array([(2, "y")], [("n", "i4"), ("s", "U4")]),
        ),
    ],
)
def test_lists_become_arrays_of_the_sample_s_type(sample, given, wanted):
    got = NumpyParameterType(sample).deserialize_input(given)
    assert got.dtype == sample.dtype
    assert np.array_equal(got, wanted)
    assert NumpyParameterType(sample).deserialize_input(got) is got


@pytest.mark.parametrize(
    ("sample", "given"),
    [
        (np.array([[1.0, 2.0]]), [[1.0]]),
        (np.array([[1.0, 2.0]]), [1.0, 2.0]),
        (np.array([[1.0, 2.0]]), {"a": 1}),
        (np.array([[1.0, 2.0]]), [["x", "y"]]),
        (np.array([1]), [1.5]),
        (np.array([1], "i1"), [300]),
        (np.array([1.0]), [[1.0], [1.0, 2.0]]),
    ],
)
def test_what_is_no_such_array_is_refused(sample, given):
    @input_schema("data", NumpyParameterType(sample))
    def run(data):
        return data

    with pytest.raises(ArgumentError, match="'data' is not taken"):
        find_typing(run).convert({"data": given})


def test_frames_get_the_sample_s_types_and_order():
    frame = PandasParameterType(FRAME).deserialize_input([{"b": "y", "a": 2}])
    assert list(frame.columns) == ["a", "b"]
    assert frame.dtypes.equals(FRAME.dtypes)
    split = PandasParameterType(FRAME, orient="split").deserialize_input({"columns": ["a", "b"], "data": [[1, "z"]]})
    assert split["b"].tolist() == ["z"]
    values = PandasParameterType(FRAME, orient="values").deserialize_input([[5, "w"]])
    assert values.to_dict("list") == {"a": [5], "b": ["w"]}
    times = PandasParameterType(pd.DataFrame({"t": pd.to_datetime(["2020-01-01"])}))
    assert times.deserialize_input([{"t": "2021-02-03T04:05:06"}])["t"][0] == pd.Timestamp("2021-02-03T04:05:06")


@pytest.mark.parametrize("given", [[{"a": 1}], [{"a": 1, "b": "x", "c": 2}], [{"a": "x", "b": "x"}], 3, "x"])
def test_what_is_no_such_frame_is_refused(given):
    with pytest.raises((ValueError, TypeError)):
        PandasParameterType(FRAME).deserialize_input(given)


@pytest.mark.parametrize(
    ("sample", "given", "wanted"),
    [
        (1, 2, 2),
        (1.0, 2, 2),
        ("x", "y", "y"),
        (True, False, False),
        (b"x", "eA==", b"x"),
        (dt.date(2020, 1, 1), "2021-02-03", dt.date(2021, 2, 3)),
        (
            dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
            "2021-02-03T04:05:06Z",
            dt.datetime(2021, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
        ),
        (dt.time(1), "02:03", dt.time(2, 3)),
        ({"a": 1}, {"b": 2}, {"b": 2}),
        ([1], ["x"], ["x"]),
        ([StandardPythonParameterType(b"x")], ["eA=="], [b"x"]),
    ],
)
def test_plain_values_become_what_the_sample_is(sample, given, wanted):
    assert StandardPythonParameterType(sample).deserialize_input(given) == wanted


@pytest.mark.parametrize(
    ("sample", "given"),
    [
        (1, 1.5),
        (1, True),
        (1, "1"),
        ("x", 1),
        (b"x", "?"),
        (dt.date(2020, 1, 1), "x"),
        ({"a": 1}, []),
        ([1], {}),
        (1.0, None),
    ],
)
def test_other_plain_values_are_refused(sample, given):
    with pytest.raises(ValueError, match=r"wanted|isoformat"):
        StandardPythonParameterType(sample).deserialize_input(given)


def test_decorators_tell_schemas_with_the_samples():
    @input_schema("data", NumpyParameterType(np.array([[1, 2]], "i4")))
    @input_schema("when", StandardPythonParameterType(dt.date(2020, 1, 2)), optional=True)
    @output_schema(StandardPythonParameterType({"x": [1.5]}))
    def run(data, when=None):
        return data, when

    told = find_typing(run)
    assert told.request["example"] == {"data": [[1, 2]], "when": "2020-01-02"}
    assert told.request["required"] == ["data"]
    items = told.request["properties"]["data"]["items"]
    assert items == {"type": "array", "items": {"type": "integer", "format": "int32"}, "minItems": 2, "maxItems": 2}
    assert told.answer["example"] == {"x": [1.5]}
    assert told.convert({"data": [[3, 4]], "when": ""})["when"] == ""
    assert run([[3, 4]])[0].dtype == np.dtype("i4")


def test_a_decorator_for_an_argument_that_is_not_there_is_refused():
    with pytest.raises(TypeError, match="no argument 'other', only data"):
        input_schema("other", StandardPythonParameterType(1))(lambda data: data)
    with pytest.raises(TypeError, match="a parameter type is wanted"):
        input_schema("data", 3)


@pytest.mark.parametrize("make", [NumpyParameterType, PandasParameterType])
def test_a_sample_of_another_kind_is_refused(make):
    with pytest.raises(TypeError, match="the sample must be"):
        make([1])
