"""The estimator that is converted, asked row by row where it must be."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal

import numpy as np

from modelyard.onnx.errors import UnsupportedSampleError
from modelyard.onnx.rows import Rows

Kind = Literal["classifier", "outliers", "clusters", "regressor", "transformer"]
Answer = dict[str, np.ndarray]


class Original:
    """What an estimator answers, under the names that the ONNX outputs get.

    ========== ===========================================================
    classifier ``label``, and ``probabilities`` or else ``scores``
    outliers   ``label`` (1 or -1), ``scores``
    clusters   ``label``, and ``distances`` where there are any
    regressor  ``prediction``
    otherwise  ``transformed``
    ========== ===========================================================

    Parameters
    ----------
    estimator
        A fitted scikit-learn estimator or pipeline, or one that behaves like it.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.kind = kind_of(estimator)
        self.methods = dict(_methods(estimator, self.kind))

    @property
    def name(self) -> str:
        """The estimator's class; of a pipeline, that of its last step."""
        last = self.estimator.steps[-1][1] if hasattr(self.estimator, "steps") else self.estimator
        return type(last).__name__

    def first_answer(self, rows: Rows) -> Answer:
        """Answer the sample; if the estimator refuses it, it is of no use.

        Raises
        ------
        UnsupportedSampleError
            With the estimator's own text.
        """
        answer, refusal = self._try(rows)
        if answer is None:
            raise UnsupportedSampleError(f"the estimator itself refuses it ({refusal})")
        return answer

    def answer(self, rows: Rows) -> tuple[Answer, np.ndarray]:
        """Answer the rows that the estimator takes, and tell which these are."""
        answered = np.zeros(len(rows), dtype=bool)
        parts: list[Answer] = []
        waiting = [np.arange(len(rows))]
        while waiting:
            index = waiting.pop()
            answer, _ = self._try(rows.take(index))
            if answer is not None:
                answered[index] = True
                parts.append(answer)
            elif len(index) > 1:
                half = len(index) // 2
                waiting += [index[half:], index[:half]]  # the first half is popped first: rows stay in order
        return {name: np.concatenate([p[name] for p in parts]) for name in self.methods if parts}, answered

    def _try(self, rows: Rows) -> tuple[Answer | None, str]:
        native = rows.native()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return {name: dense(method(native)) for name, method in self.methods.items()}, ""
            except Exception as error:  # noqa: BLE001 - the estimator is the user's, and may refuse in any way
                return None, f"{type(error).__name__}: {error}"


def one_thread() -> AbstractContextManager[Any]:
    """Keep the libraries under the estimator to one thread: they are asked for a few rows at a time, many times."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # scikit-learn brings it

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1)
    return limits


def kind_of(estimator: Any) -> Kind:
    """Tell what an estimator is from what scikit-learn says of it."""
    from sklearn.base import is_classifier, is_clusterer, is_outlier_detector, is_regressor

    checks: tuple[tuple[Kind, Callable[[Any], bool]], ...] = (
        ("classifier", is_classifier),
        ("outliers", is_outlier_detector),
        ("clusters", is_clusterer),
        ("regressor", is_regressor),
    )
    for kind, check in checks:
        if hasattr(estimator, "__sklearn_tags__") and check(estimator) and hasattr(estimator, "predict"):
            return kind
    if hasattr(estimator, "predict_proba"):  # mixtures say nothing of what they are
        return "clusters"
    if hasattr(estimator, "transform"):
        return "transformer"
    if hasattr(estimator, "predict"):
        return "regressor"
    raise UnsupportedSampleError(f"a {type(estimator).__name__} has neither predict() nor transform()")


def dense(value: Any) -> np.ndarray:
    """Turn whatever an estimator gives into one array of numbers or texts."""
    if isinstance(value, list):  # the probabilities of several outputs, an array each
        sizes = {np.shape(v) for v in value}
        return np.stack(value, axis=1) if len(sizes) == 1 else np.concatenate(value, axis=1)
    array = value.toarray() if hasattr(value, "toarray") else np.asarray(value)
    return array.astype(object) if array.dtype.kind in "UO" else array


def _methods(estimator: Any, kind: Kind) -> list[tuple[str, Callable[[Any], Any]]]:
    if kind == "transformer":
        return [("transformed", estimator.transform)]
    if kind == "regressor":
        return [("prediction", estimator.predict)]
    second = {
        "classifier": (("probabilities", "predict_proba"), ("scores", "decision_function")),
        "outliers": (("scores", "decision_function"),),
        "clusters": (("distances", "transform"), ("probabilities", "predict_proba")),
    }[kind]
    found = [(name, getattr(estimator, method)) for name, method in second if hasattr(estimator, method)]
    return [("label", estimator.predict), *found[:1]]
