import datetime as dt
import math

import msgspec
import numpy as np
import pandas as pd
import pytest

from modelyard.errors import InvalidValueError
from modelyard.tracking.tabular import table_as_json, table_from_json


def through_json(value: object) -> dict[str, list[object]]:
    return table_from_json(msgspec.json.decode(msgspec.json.encode(table_as_json(value))))


def test_columns_keep_their_types() -> None:
    table = {
        "integer": [1, 2**60],
        "number": [0.5, -math.inf],
        "mixed numbers": [1, 2.5],
        "text": ["NaN", None],
        "boolean": [True, False],
        "time": [dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), None],
        "date": [dt.date(2026, 1, 2), dt.date(2026, 1, 3)],
        "mixed": [1, "a"],
    }
    assert through_json(table) == table


def test_not_a_number_in_a_column_stays_one() -> None:
    assert math.isnan(through_json({"a": [1.0, math.nan]})["a"][1])  # type: ignore[arg-type]


def test_arrays_series_and_frames_become_columns() -> None:
    assert through_json({"a": np.arange(2), "b": pd.Series(["x", "y"])}) == {"a": [0, 1], "b": ["x", "y"]}
    assert through_json(pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})) == {"a": [1, 2], "b": [0.5, 1.5]}


def test_single_values_are_a_row() -> None:
    assert through_json({"a": 1, "b": "x"}) == {"a": [1], "b": ["x"]}


@pytest.mark.parametrize("value", [{"a": [1], "b": [1, 2]}, [1, 2], {"": [1]}, {"a": [object()]}])
def test_what_is_no_table_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError):
        table_as_json(value)
