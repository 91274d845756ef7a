"""Estimators that are the same in all but the order of their training rows.

Where neighbours are equally far, which of them count is decided by that order, and by rounding: the estimator has
several answers, and a twin gives another one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from modelyard.onnx.thresholds import parts

_ORDERS = 3


def twins(estimator: Any) -> Iterator[Any]:
    """Give the twins of an estimator that looks for neighbours; of others there are none."""
    if not any(_has_neighbours(part) for part in parts(estimator)):
        return
    for algorithm in ("brute", "kd_tree"):
        for order in range(_ORDERS):
            twin = copy.deepcopy(estimator)
            for part in parts(twin):
                if _has_neighbours(part):
                    _refit(part, algorithm, order)
            yield twin


def _has_neighbours(part: Any) -> bool:
    return hasattr(part, "_fit_X") and hasattr(part, "n_neighbors") and hasattr(part, "_y")


def _refit(part: Any, algorithm: str, order: int) -> None:
    """Fit on the same rows: as they are, backwards, shuffled."""
    rows, y = np.asarray(part._fit_X), np.asarray(part._y)  # noqa: SLF001
    y = part.classes_[y] if hasattr(part, "classes_") else y
    index = np.arange(len(rows))
    index = (index, index[::-1], np.random.default_rng(order).permutation(index))[order]
    part.set_params(algorithm=algorithm).fit(rows[index], y[index])
