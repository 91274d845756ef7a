"""The rows that are made to find differences."""

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from modelyard.onnx.adversarial import MOST_ROWS, challenges
from modelyard.onnx.original import Original
from modelyard.onnx.rows import Rows

X, Y = load_iris(return_X_y=True)


class Anything:
    """An estimator that takes all rows."""

    def predict(self, rows):
        return np.zeros(len(rows))


def made(estimator, sample):
    return dict(challenges(Original(estimator), Rows.of(sample)))


def test_the_same_sample_gives_the_same_rows():
    first, second = (made(DecisionTreeClassifier(random_state=0).fit(X, Y), X) for _ in range(2))
    assert list(first) == list(second)
    assert all((first[k].native() == second[k].native())[~np.isnan(first[k].native())].all() for k in first)


def test_a_tree_is_asked_on_thresholds_jumps_and_missing_values():
    found = made(DecisionTreeClassifier(random_state=0).fit(X, Y), X)
    assert {"thresholds", "jumps", "beside jumps", "sizes", "missing", "infinities", "mixtures"} <= set(found)
    assert all(len(rows) <= MOST_ROWS for rows in found.values())


def test_jumps_are_one_step_apart_and_answered_differently():
    estimator = SVC().fit(X, Y)
    rows = made(estimator, X)["jumps"].native()
    half = len(rows) // 2
    answers = estimator.predict(rows)
    assert (answers[:half] != answers[half:]).sum() > half / 2
    assert np.allclose(rows[:half], rows[half:], rtol=1e-15, atol=0)


def test_whole_numbers_go_beyond_float32():
    found = made(Anything(), np.array([[1, 2], [3, 4]]))
    assert 2**24 + 1 in found["integers"].columns[0]


def test_columns_of_texts_get_unknown_and_missing_ones():
    found = made(Anything(), pd.DataFrame({"s": ["a", "b"], "x": [1.0, 2.0]}))
    values = found["categories"].columns[0].tolist()
    assert {"never seen before", "", "A", "北京"} <= set(values)
    assert None in found["missing"].columns[0].tolist()


def test_texts_get_what_tokenizers_differ_on():
    values = made(Anything(), ["hello world", "free money"])["texts"].columns[0].tolist()
    assert {"", "don't can't won't", "HELLO WORLD"} <= set(values)
