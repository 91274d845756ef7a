"""Large documents are written in parts, to the same bytes as at once."""

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modelyard_scoring.formats import json

SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)
DTYPES = st.sampled_from(["float32", "float64", "int64", "uint8", "bool"])
NUMBERS = DTYPES.flatmap(lambda kind: arrays.arrays(np.dtype(kind), SHAPES))
TEXTS = arrays.arrays(np.dtype("O"), SHAPES, elements=st.sampled_from(["", "a", '"],[', "\u00e9"]))
VALUES = NUMBERS | TEXTS | NUMBERS.map(np.transpose)
TENSORS = st.lists(st.fixed_dictionaries({"name": st.text(), "shape": st.just((2, 3)), "data": VALUES}), max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(), VALUES, max_size=3), TENSORS, st.integers(1, 9))
def test_parts_make_the_whole(monkeypatch, named, tensors, at_once):
    written = [{**one, "data": json.plain(one["data"])} for one in tensors]
    document = {**{name: json.plain(array) for name, array in named.items()}, "outputs": written}
    monkeypatch.setattr(json, "AT_ONCE", at_once)
    whole = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    assert json.write(document, at_once + 1) == whole == json.write(document, at_once)


@pytest.mark.parametrize("shape", [(10, 400_000), (400_000, 10), (4_000_000,), (2, 10, 200_000)])
def test_a_part_is_small(monkeypatch, shape):
    written, sizes = json._whole, []
    monkeypatch.setattr(json, "_whole", lambda value: sizes.append(np.size(value)) or written(value))
    text = json.write({"y": np.zeros(shape, np.uint8)}, 4_000_000)
    assert orjson.loads(text) == {"y": np.zeros(shape).tolist()}
    assert sum(sizes) == 4_000_000
    assert max(sizes) <= json.AT_ONCE
