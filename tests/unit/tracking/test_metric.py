import datetime as dt
import enum
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.errors import InvalidValueError
from modelyard.tracking.metric import as_json, from_json

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars.filter(lambda one: one not in ("NaN", "Infinity", "-Infinity")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_a_value_survives_json(value: object) -> None:
    sent = msgspec.json.encode(as_json(value))
    assert from_json(msgspec.json.decode(sent)) == value


def test_not_a_number_survives_json_at_any_depth() -> None:
    read = from_json(msgspec.json.decode(msgspec.json.encode(as_json({"a": [math.nan, {"b": -math.inf}]}))))
    assert math.isnan(read["a"][0])
    assert read["a"][1]["b"] == -math.inf


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.float64("nan"), "NaN"),
        (np.float32("inf"), "Infinity"),
        (np.int64(2**62), 2**62),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (np.array(3), 3),
        (np.array([[1.0, math.nan]]), [[1.0, "NaN"]]),
        (Colour.RED, 1),
        ((1, 2), [1, 2]),
        (range(2), [0, 1]),
        ({1: 2.0}, {"1": 2.0}),
        (dt.date(2026, 1, 2), "2026-01-02"),
    ],
    ids=repr,
)
def test_what_other_libraries_have_becomes_plain(value: object, plain: object) -> None:
    found = as_json(value)
    assert (type(found), found) == (type(plain), plain)


@pytest.mark.parametrize("value", [object(), b"bytes", 1j, [object()], {"a": len}])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match="log numbers"):
        as_json(value)
