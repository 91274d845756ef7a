"""Elements as bytes, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_scoring.errors import FormError
from modelyard_scoring.inference.datatype import BYTES, DTYPES, datatype_of, elements, pack, unpack

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=20)


@given(TEXTS)
def test_texts_come_back(texts):
    assert unpack(memoryview(pack(texts)), len(texts), "t") == texts


@given(TEXTS, st.binary(min_size=1, max_size=9))
def test_bytes_behind_the_texts_are_refused(texts, more):
    with pytest.raises(FormError, match="'t'"):
        unpack(memoryview(pack(texts) + more), len(texts), "t")


@given(TEXTS.filter(bool), st.data())
def test_a_cut_off_text_is_refused(texts, data):
    packed = pack(texts)
    with pytest.raises(FormError, match="'t'"):
        unpack(memoryview(packed[: data.draw(st.integers(0, len(packed) - 1))]), len(texts), "t")


@given(st.binary(max_size=60), st.integers(0, 10**12))
def test_any_bytes_are_texts_or_refused(packed, count):
    try:
        texts = unpack(memoryview(packed), count, "t")
    except FormError:
        return
    assert pack(texts) == packed


@pytest.mark.parametrize("name", DTYPES)
def test_each_type_has_its_name_and_comes_back_from_bytes(name):
    array = np.array([[0, 1], [1, 0]], DTYPES[name])
    assert datatype_of(array.dtype) == name
    assert np.frombuffer(elements(array.T[::-1], name), DTYPES[name]).tolist() == array.T[::-1].reshape(-1).tolist()
    assert name.removeprefix("U").strip("0123456789") in {"BOOL", "INT", "FP"}


def test_texts_of_a_model_are_bytes():
    assert datatype_of(np.dtype(object)) == BYTES
    assert elements(np.array(["ä"], object), BYTES) == b"\x02\0\0\0\xc3\xa4"
