"""Thresholds are read, met through other steps, and stepped beside."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelyard.onnx.original import Original
from modelyard.onnx.rows import Rows
from modelyard.onnx.thresholds import Split, beside, compares_inputs, splits_of, threshold_rows

X, Y = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, Y)


def test_the_splits_of_a_tree_are_read():
    inner = TREE.tree_.feature >= 0
    expected = {
        Split(int(f), float(t)) for f, t in zip(TREE.tree_.feature[inner], TREE.tree_.threshold[inner], strict=True)
    }
    assert set(splits_of(TREE)) == expected


def test_a_linear_model_has_no_splits():
    assert splits_of(LogisticRegression(max_iter=500).fit(X, Y)) == []


def test_beside_a_value_are_both_float32_neighbours():
    values = beside(0.1)
    single = np.float32(0.1)
    for side in (-np.inf, np.inf):
        assert float(np.nextafter(single, np.float32(side))) in values
        assert np.nextafter(0.1, side) in values


def test_rows_through_a_scaler_lie_on_both_sides_of_the_threshold():
    pipeline = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=1, random_state=0)).fit(X, Y)
    rows = [r for kind, r in threshold_rows(Original(pipeline), Rows.of(X)) if kind == "prepared thresholds"]
    low, high = (pipeline.predict(r.native()) for r in rows)
    assert (low != high).any()
    assert np.allclose(rows[0].native(), rows[1].native(), rtol=1e-14, atol=1e-14)


def test_only_bare_trees_compare_their_inputs():
    assert compares_inputs(TREE)
    assert not compares_inputs(make_pipeline(StandardScaler(), TREE).fit(X, Y))
    assert not compares_inputs(LogisticRegression(max_iter=500).fit(X, Y))
