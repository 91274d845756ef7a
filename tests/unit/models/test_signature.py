"""What is told from a sample, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from modelyard.errors import InvalidValueError
from modelyard.models.signature import Field, Sample, Signature


def test_an_array_is_one_input_and_keeps_its_type():
    signature = Signature.infer(np.zeros((3, 4), np.float32))
    assert signature == Signature(inputs=(Field(name="input", type="float32", shape=(None, 4)),), form="array")


def test_answers_become_outputs_in_their_order():
    answer = {"label": np.array(["a", "b"]), "probabilities": np.zeros((2, 3))}
    outputs = Signature.infer([[1.0, 2.0]], answer).outputs
    assert [(f.name, f.type, f.shape) for f in outputs] == [
        ("label", "string", (None,)),
        ("probabilities", "float64", (None, 3)),
    ]


def test_an_answer_without_a_name_is_called_output():
    assert Signature.infer([[1.0]], np.array([1])).outputs[0].name == "output"


def test_texts_with_leading_zeros_stay_texts():
    assert Signature.infer(["001", "002"]).inputs[0] == Field(name="input", type="string", shape=(None,))
    assert Signature.infer(pd.DataFrame({"zip": ["001", "2"]})).inputs[0].type == "string"


def test_a_frame_is_one_input_for_each_column():
    frame = pd.DataFrame(
        {
            "age": [1, 2],
            "fare": [1.5, np.nan],
            "port": ["S", None],
            "deck": pd.Categorical(["x", "y"]),
            "born": pd.to_datetime(["2020-01-01", None]),
            "kin": pd.array([1, None], dtype="Int64"),
            "paid": [True, False],
        }
    )
    signature = Signature.infer(frame)
    assert signature.form == "frame"
    assert [(f.name, f.type, f.nullable) for f in signature.inputs] == [
        ("age", "int64", False),
        ("fare", "float64", True),
        ("port", "string", True),
        ("deck", "string", False),
        ("born", "datetime", True),
        ("kin", "int64", True),
        ("paid", "bool", False),
    ]
    assert signature.inputs[3].categories == ("x", "y")


def test_named_arrays_are_tensors():
    sample = {"ids": np.array([[1, 2], [3, 4]]), "pixels": np.zeros((2, 3, 1, 1), np.float32)}
    signature = Signature.infer(sample)
    assert signature.form == "tensors"
    assert [(f.name, f.type, f.shape) for f in signature.inputs] == [
        ("ids", "int64", (None, 2)),
        ("pixels", "float32", (None, 3, 1, 1)),
    ]
    assert Sample.record(sample, {}).request == {
        "data": {"ids": [[1, 2], [3, 4]], "pixels": [[[[0.0]], [[0.0]], [[0.0]]]] * 2}
    }


@pytest.mark.parametrize(
    ("sample", "named"),
    [
        (pd.DataFrame({"age": [1, "x"]}), "age"),
        (pd.DataFrame({"age": [None, None]}), "age"),
        (pd.DataFrame({7: [1]}), "7"),
        (pd.DataFrame([[1, 2]], columns=["twin", "twin"]), "twin"),
        ([[1, object()]], "column 1"),
        ([[1, "a"]], "input"),
        ([[1], [1, 2]], "input"),
        (np.array([1j]), "complex128"),
        (np.float64(3), "input"),
        ({"ids": np.array([1j])}, "complex128"),
    ],
)
def test_what_cannot_be_told_is_an_error_that_names_it(sample, named):
    with pytest.raises(InvalidValueError, match=named):
        Signature.infer(sample)


def test_a_sample_writes_missing_values_as_null():
    frame = pd.DataFrame({"a": [1.5, np.nan], "b": ["x", None]})
    sample = Sample.record(frame, {"label": np.array([1, 2])})
    assert sample.request == {"columns": ["a", "b"], "data": [[1.5, "x"], [None, None]]}
    assert sample.answer == {"label": [1, 2]}


def test_a_sample_refuses_infinity():
    with pytest.raises(InvalidValueError, match="infinity"):
        Sample.record(np.array([[np.inf]]), {})


def test_a_field_refuses_an_unknown_type():
    with pytest.raises(InvalidValueError, match="float128"):
        Field(name="x", type="float128", shape=(None,))


def test_a_field_needs_rows_as_its_first_axis():
    with pytest.raises(InvalidValueError, match="first axis"):
        Field(name="x", type="int64", shape=(3,))
