"""Values of JSON as the types that samples declare."""

import datetime as dt
import json

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
        (np.array([1.0]), ["inf"]),
        (np.array([1.0]), ["1"]),
        (np.array([1.0]), [1.5, True]),
        (np.array([1.0], "f4"), [1e39]),
        (np.array([1]), [1, True]),
        (np.array([1]), ["1"]),
        (np.array([1]), [2**63]),
        (np.array([1]), [1e18]),
        (np.array([True]), [1]),
        (np.array(["x"]), [1]),
        (np.array(["2020-01-01"], "M8[s]"), [5]),
        (np.array([(1, "x")], [("n", "i4"), ("s", "U4")]), [[1.5, "x"]]),
        (np.array([(1, "x")], [("n", "i4"), ("s", "U4")]), [[1]]),
    ],
)
def test_what_is_no_such_array_is_refused(sample, given):
    @input_schema("data", NumpyParameterType(sample))
    def run(data):
        return data

    with pytest.raises(ArgumentError, match="'data' is not taken"):
        find_typing(run).convert({"data": given})


def test_an_error_says_where_the_value_is():
    with pytest.raises(ValueError, match=r"at \[1\]\[0\]: wanted a number that float64 holds, got the text 'inf'"):
        NumpyParameterType(np.zeros((1, 2))).deserialize_input([[1, 2], ["inf", 1]])
    with pytest.raises(ValueError, match=r"at \[1\]: wanted a list of 2, got a list of 1"):
        NumpyParameterType(np.zeros((1, 2))).deserialize_input([[1, 2], [1]])
    with pytest.raises(ValueError, match=r"a whole number from .* in row 1 of the column 'a', got the number 1\.7"):
        PandasParameterType(FRAME).deserialize_input([{"a": 1, "b": "x"}, {"a": 1.7, "b": "x"}])


def test_numbers_and_texts_arrive_as_they_were_sent():
    assert NumpyParameterType(np.array(["x"])).deserialize_input(["longer"]).tolist() == ["longer"]
    assert NumpyParameterType(np.array([1.0])).deserialize_input([1, None])[0] == 1
    numbers = PandasParameterType(pd.DataFrame({"timestamp": [1], "y": [0.5]}))
    sent = [{"timestamp": 2**63 - 1, "y": 1.7}, {"timestamp": 1600000000, "y": 5e-324}]
    assert numbers.deserialize_input(sent).to_dict("records") == sent
    nullable = PandasParameterType(pd.DataFrame({"n": pd.array([1], "Int64")})).deserialize_input(
        [{"n": 1}, {"n": None}]
    )
    assert nullable["n"].isna().tolist() == [False, True]


@pytest.mark.parametrize("orient", ["split", "records", "index", "columns", "values", "table"])
def test_a_frame_arrives_as_pandas_wrote_it(orient):
    sample = pd.DataFrame(
        {"a": [1, 2], "b": ["x", "y"], "c": [0.1, 1.7], "t": pd.to_datetime(["2020-01-01", "2021-02-03"])}
    )
    given = json.loads(sample.to_json(orient=orient, date_format="iso", double_precision=15))
    frame = PandasParameterType(sample, orient=orient).deserialize_input(given)
    pd.testing.assert_frame_equal(frame, sample, check_index_type=False)


@pytest.mark.parametrize(
    ("sample", "value"),
    [
        *((1, value) for value in (2**63, 10**23, 1.7, "7", True, None, 1e300)),
        *((1.5, value) for value in ("inf", "1", True)),
        *((np.float32(1), value) for value in (1e39, -1e39)),
        *((True, value) for value in ("x", 1, None)),
        *(("x", value) for value in (1, True)),
        (pd.Timestamp("2020-01-01"), 5),
        (pd.Timedelta("1s"), 5),
    ],
)
def test_a_column_takes_no_value_of_another_type(sample, value):
    kind = PandasParameterType(pd.DataFrame({"x": [sample]}))
    for given in ([{"x": value}], [{"x": value}, {"x": value}]):
        with pytest.raises(ValueError, match=r"wanted .* in row 0 of the column 'x', got"):
            kind.deserialize_input(given)


def test_a_column_that_comes_twice_is_refused():
    with pytest.raises(ValueError, match="wanted the columns"):
        PandasParameterType(FRAME, orient="split").deserialize_input(
            {"columns": ["a", "a", "b"], "data": [[1, 2, "x"]]}
        )


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
