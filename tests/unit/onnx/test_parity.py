"""The control: a model that is wrong by as little as can be is found out."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier

from modelyard.onnx.certificate import Tolerance
from modelyard.onnx.conversion import certify, convert
from modelyard.onnx.parity import NO_NUMBER, differences

X, Y = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(random_state=0).fit(X, np.array(["setosa", "versicolor", "virginica"])[Y])


@pytest.fixture(scope="module")
def converted():
    return convert(TREE, X)


def judged(converted, model):
    return certify(TREE, X, model.SerializeToString(), converted.signature.inputs)


def test_the_model_as_it_was_made_is_accepted(converted):
    certificate = judged(converted, onnx.load_from_string(converted.model))
    assert certificate.verdict == "accepted"
    assert certificate.largest == 0


@pytest.mark.parametrize("side", [-np.inf, np.inf])
def test_a_threshold_moved_by_one_float32_step_is_found(converted, side):
    model = onnx.load_from_string(converted.model)
    (node,) = (n for n in model.graph.node if n.op_type == "TreeEnsembleRegressor")
    (attribute,) = (a for a in node.attribute if a.name == "nodes_values_as_tensor")
    values = numpy_helper.to_array(attribute.t).copy()
    values[0] = np.nextafter(np.float32(values[0]), np.float32(side))
    attribute.t.CopyFrom(numpy_helper.from_array(values))
    certificate = judged(converted, model)
    assert certificate.verdict == "refused"
    assert certificate.flips > 0
    assert certificate.worst.kind in {"thresholds", "jumps", "beside jumps"}


def test_two_labels_in_each_others_place_are_found(converted):
    model = onnx.load_from_string(converted.model)
    (labels,) = (t for t in model.graph.initializer if t.data_type == onnx.TensorProto.STRING)
    labels.string_data[0], labels.string_data[1] = labels.string_data[1], labels.string_data[0]
    certificate = judged(converted, model)
    assert certificate.verdict == "refused"
    assert certificate.comparisons[0].flips == 100


def test_a_comparison_that_leaves_out_equality_is_found(converted):
    model = onnx.load_from_string(converted.model)
    (node,) = (n for n in model.graph.node if n.op_type == "TreeEnsembleRegressor")
    (modes,) = (a for a in node.attribute if a.name == "nodes_modes")
    for i, mode in enumerate(modes.strings):
        modes.strings[i] = b"BRANCH_LT" if mode == b"BRANCH_LEQ" else mode
    assert judged(converted, model).verdict == "refused"


def test_a_missing_value_sent_the_other_way_is_found(converted):
    model = onnx.load_from_string(converted.model)
    (node,) = (n for n in model.graph.node if n.op_type == "TreeEnsembleRegressor")
    (tracks,) = (a for a in node.attribute if a.name == "nodes_missing_value_tracks_true")
    tracks.ints[0] = 1 - tracks.ints[0]
    certificate = judged(converted, model)
    assert certificate.verdict == "refused"
    assert certificate.worst.kind == "missing"


def test_a_coefficient_that_is_off_by_a_thousandth_is_found():
    estimator = LinearRegression().fit(X, Y)
    converted = convert(estimator, X)
    estimator.coef_ = estimator.coef_ * 1.001
    certificate = certify(
        estimator, X, converted.model, converted.signature.inputs, tolerance=Tolerance(difference=1e-4)
    )
    assert certificate.verdict == "refused"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1.0, 1.0, 0.0),
        (100.0, 101.0, 1 / 101),
        (0.0, 0.5, 0.5),
        (np.nan, np.nan, 0.0),
        (np.inf, np.inf, 0.0),
        (1.0, np.nan, NO_NUMBER),
        (1.0, np.inf, NO_NUMBER),
    ],
)
def test_a_difference_is_relative_and_bounded(a, b, expected):
    assert differences(np.array([a]), np.array([b]), np.ones(1)) == pytest.approx([expected])


def test_answers_of_other_shapes_are_wholly_different():
    assert (differences(np.zeros((3, 2)), np.zeros((3, 1)), np.ones(1)) == NO_NUMBER).all()
