"""What run returns becomes JSON."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from modelyard_scoring.scripts.answer import make_result


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (pd.DataFrame({"t": [pd.Timestamp("2020-01-02T03"), pd.NaT]}), {"t": {"0": "2020-01-02T03:00:00", "1": None}}),
        (pd.DataFrame({"t": pd.to_datetime(["2020-01-02"], utc=True)}), {"t": {"0": "2020-01-02T00:00:00+00:00"}}),
        (pd.Series(pd.array([1, None], "Int64")), {"0": 1, "1": None}),
        ([pd.Timedelta("1s"), dt.date(2020, 1, 2), dt.time(3)], ["P0DT0H0M1S", "2020-01-02", "03:00:00"]),
        (np.array(["2020-01-02"], "M8[s]"), ["2020-01-02T00:00:00"]),
        ({"a": np.float32(0.5), "b": np.int8(1)}, {"a": 0.5, "b": 1}),
    ],
)
def test_times_numbers_and_frames_are_translated(value, wanted):
    assert json.loads(make_result(value, 0.0).body) == wanted


def test_other_objects_have_no_form():
    with pytest.raises(TypeError):
        make_result(object(), 0.0)
