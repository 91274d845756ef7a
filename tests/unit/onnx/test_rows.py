"""Rows as the estimator takes them, and as the model does."""

import numpy as np
import pandas as pd
import pytest

from modelyard.models.signature import MISSING_TEXT
from modelyard.onnx.errors import UnsupportedSampleError
from modelyard.onnx.rows import Rows

FRAME = pd.DataFrame({"n": [1, 2], "x": [0.5, np.nan], "s": ["a", None], "b": [True, False]})


def test_a_frame_comes_back_as_it_was():
    pd.testing.assert_frame_equal(Rows.of(FRAME).native(), FRAME, check_dtype=False)


def test_an_array_comes_back_as_it_was():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    back = Rows.of(array).native()
    assert back.dtype == np.float32
    assert (back == array).all()


def test_a_frame_is_fed_column_by_column():
    rows = Rows.of(FRAME)
    fields = rows.fields("float32", integers=True)
    assert [(f.name, f.type, f.shape) for f in fields] == [
        ("n", "int64", (None, 1)),
        ("x", "float32", (None, 1)),
        ("s", "string", (None, 1)),
        ("b", "bool", (None, 1)),
    ]
    feed = rows.feed(fields)
    assert feed["s"].tolist() == [["a"], [MISSING_TEXT]]
    assert np.isnan(feed["x"][1, 0])


def test_texts_are_fed_as_a_list():
    rows = Rows.of(["a", "b"])
    assert rows.feed(rows.fields("float32"))["input"].tolist() == ["a", "b"]


def test_replaced_values_are_rounded_to_the_column():
    rows = Rows.of(FRAME).replace({0: np.array([1e300, np.nan])})
    assert rows.columns[0].dtype == np.int64
    assert rows.columns[0].tolist() == [2**53, 0]


@pytest.mark.parametrize(
    "sample", [np.zeros((0, 3)), np.zeros((2, 3, 4)), pd.DataFrame({"t": pd.to_datetime(["2020"])})]
)
def test_what_no_model_can_take_is_refused(sample):
    with pytest.raises(UnsupportedSampleError):
        Rows.of(sample)
