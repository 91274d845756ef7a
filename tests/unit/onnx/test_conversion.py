"""What is converted, what is refused, and what the refusal says."""

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelyard.onnx.certificate import Tolerance
from modelyard.onnx.conversion import convert
from modelyard.onnx.errors import ConversionRefusedError, NotConvertibleError, UnsupportedSampleError

X, Y = load_iris(return_X_y=True)


class Homemade(RegressorMixin, BaseEstimator):
    """An estimator that nobody knows how to convert."""

    def fit(self, rows, y):
        self.n_features_in_ = rows.shape[1]
        self.mean_ = np.mean(y)
        return self

    def predict(self, rows):
        return np.full(len(rows), self.mean_)


class Derived(DecisionTreeClassifier):
    """A tree that answers otherwise than trees do."""

    def predict_proba(self, rows):
        return super().predict_proba(rows)[:, ::-1]


def test_outputs_have_their_names_and_the_shapes_of_the_estimator():
    conversion = convert(LogisticRegression(max_iter=500).fit(X, Y), X)
    model = onnx.load_from_string(conversion.model)
    assert [i.name for i in model.graph.input] == ["input"]
    assert [(o.name, o.shape) for o in conversion.signature.outputs] == [
        ("label", (None,)),
        ("probabilities", (None, 3)),
    ]
    assert conversion.certificate.verdict == "accepted"
    assert conversion.certificate.opset[""] == 21


def test_the_sample_holds_the_request_and_the_answer():
    sample = convert(LogisticRegression(max_iter=500).fit(X, Y), X).sample
    assert sample.request["data"] == X[: len(sample.request["data"])].tolist()
    assert sample.answer["label"] == [0, 0, 0, 0, 0]


def test_missing_values_are_allowed_where_the_estimator_takes_them():
    assert convert(DecisionTreeClassifier().fit(X, Y), X).signature.inputs[0].nullable
    assert not convert(LogisticRegression(max_iter=500).fit(X, Y), X).signature.inputs[0].nullable


def test_columns_may_be_called_anything_and_keep_true_and_false():
    names = ["constant_1", "a column", "x/y", "add_2"]
    frame = pd.DataFrame(X, columns=names).assign(**{"x/y": X[:, 2] > 3})
    conversion = convert(DecisionTreeClassifier(random_state=0).fit(frame, Y), frame)
    assert [f.name for f in conversion.signature.inputs] == names
    assert conversion.signature.inputs[2].type == "bool"


def test_thresholds_that_float32_cannot_hold_need_float64():
    rows = 1.7e9 + np.random.default_rng(0).uniform(0, 1000, (100, 1))
    estimator = make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=3)).fit(rows, rows[:, 0] - 1.7e9)
    certificate = convert(estimator, rows).certificate
    assert certificate.verdict == "accepted"
    assert certificate.recipe.startswith("float64")
    assert certificate.attempts[0].result != "accepted"


def test_an_unknown_estimator_is_not_convertible():
    with pytest.raises(NotConvertibleError, match="Homemade"):
        convert(Homemade().fit(X, Y), X)


def test_a_class_derived_from_a_known_one_is_not_taken_for_it():
    with pytest.raises((NotConvertibleError, ConversionRefusedError)):
        convert(Derived(random_state=0).fit(X, Y), X)


@pytest.fixture
def ambiguous():
    """Neighbours at equal distances: the mean depends on the order of the rows."""
    rows = np.random.default_rng(0).normal(size=(60, 3))
    rows[:, 0] = np.arange(60) % 2
    return KNeighborsRegressor().fit(rows, rows[:, 1] * 7), rows


def test_a_refusal_names_the_worst_row_and_what_to_do(ambiguous):
    with pytest.raises(ConversionRefusedError, match=r"Worst row .* should be .* entry script .*--accept") as caught:
        convert(*ambiguous)
    assert caught.value.certificate.verdict == "refused"
    assert caught.value.code == "conversion-refused"


def test_told_to_accept_it_takes_the_nearest_and_says_so(ambiguous):
    conversion = convert(*ambiguous, accept=True)
    assert conversion.certificate.verdict == "forced"
    assert conversion.certificate.largest > Tolerance().difference


def test_a_sample_that_the_estimator_refuses_is_refused():
    with pytest.raises(UnsupportedSampleError, match="refuses"):
        convert(LogisticRegression(max_iter=500).fit(X, Y), X[:, :2])


def test_the_tolerance_is_kept(ambiguous):
    tolerance = Tolerance(difference=1.9)
    certificate = convert(*ambiguous, tolerance=tolerance).certificate
    assert certificate.verdict == "accepted"
    assert certificate.tolerance == tolerance
