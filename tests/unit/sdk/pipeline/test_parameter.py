from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard import PipelineParameter
from modelyard.errors import InvalidNameError, InvalidValueError
from modelyard.sdk.pipeline.parameter import read_texts

values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(values, values)
def test_the_text_of_a_parameter_is_found_again_with_its_default(one: Any, other: Any) -> None:
    parameters = [PipelineParameter("alpha", one), PipelineParameter("b.c-d", other)]
    seen: list[PipelineParameter] = []

    text = read_texts(f"--a={parameters[0]}x{parameters[1]}", seen.append)

    assert text == "--a=${{parameters.alpha}}x${{parameters.b.c-d}}"
    assert [(type(p.default_value), repr(p.default_value)) for p in seen] == [(type(v), repr(v)) for v in (one, other)]


@pytest.mark.parametrize("value", [None, [1], float("nan"), float("inf"), "\ud800", b"x"])
def test_a_default_that_cannot_be_written_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValueError):
        PipelineParameter("alpha", value)


def test_a_name_follows_the_rule() -> None:
    with pytest.raises(InvalidNameError):
        PipelineParameter("a b", 1)


def test_a_number_of_a_class_made_from_float_is_a_plain_one() -> None:
    class Own(float):
        pass

    assert type(PipelineParameter("alpha", Own(1.5)).default_value) is float
