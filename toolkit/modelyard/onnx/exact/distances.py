"""Neighbours and clusters: whatever compares distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelyard.onnx.exact.linear import affine, normalized
from modelyard.onnx.exact.translation import Classes, Table, Translation, UntranslatableError, Wire


def near(t: Translation, x: Wire, points: np.ndarray) -> Wire:
    """Give squared Euclidean distances by products, after moving the origin among the points.

    The origin is whole, so that distances between whole numbers stay exact.
    """
    origin = np.round(points.mean(axis=0))
    moved = points - origin
    x = t.op("Sub", x, t.constant(origin))
    squares = t.total(t.op("Mul", x, x))
    both = t.op("Add", squares, t.constant((moved**2).sum(axis=1).reshape(1, -1)))
    distances = t.op("Sub", both, t.op("MatMul", x, t.constant(2.0 * moved.T)))
    return t.op("Max", distances, t.constant(0.0))


def to_each(t: Translation, x: Wire, points: Wire) -> Wire:
    """Give squared Euclidean distances by differences; `points` has the shape (n_rows or 1, n_points, n_features)."""
    difference = t.op("Sub", t.op("Unsqueeze", x, t.integers(1)), points)
    return t.total(t.op("Mul", difference, difference), axis=2, keep=False)


def neighbours(t: Translation, e: Any, table: Table) -> tuple[Wire, Wire]:
    """Give the nearest points' distances and numbers: a few too many by products, the right ones by differences."""
    metric = e.effective_metric_
    if metric not in {"euclidean", "minkowski"} or (metric == "minkowski" and e.p != 2):
        raise UntranslatableError(f"the metric {metric}")
    points, x = np.asarray(e._fit_X, dtype=np.float64), t.numbers(table)  # noqa: SLF001
    several = min(len(points), 2 * e.n_neighbors + 8)
    _, rough = t.ops("TopK", 2, near(t, x, points), t.integers(several), axis=1, largest=0)
    ascending = t.ops("TopK", 2, rough, t.integers(several), axis=1, largest=0)[0]  # ties go to the first point
    exact = to_each(t, x, t.op("Gather", t.constant(points), ascending, axis=0))
    squares, place = t.ops("TopK", 2, exact, t.integers(e.n_neighbors), axis=1, largest=0)
    return t.op("Sqrt", squares), t.op("GatherElements", ascending, place, axis=1)


def weights(t: Translation, e: Any, distances: Wire) -> Wire:
    """Give the weight of each neighbour: with distances, those at no distance count alone."""
    if e.weights == "uniform":
        return t.op("Add", t.op("Mul", distances, t.constant(0.0)), t.constant(1.0))
    if e.weights != "distance":
        raise UntranslatableError("weights by a function")
    zero = t.cast(t.op("Equal", distances, t.constant(0.0)), np.float64)
    some = t.op("Greater", t.total(zero), t.constant(0.0))
    return t.op("Where", some, zero, t.op("Reciprocal", t.op("Max", distances, t.constant(np.finfo(float).tiny))))


def neighbour_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Let the neighbours vote."""
    if np.ndim(e._y) != 1:  # noqa: SLF001
        raise UntranslatableError("neighbours that classify several outputs")
    distances, numbers = neighbours(t, e, table)
    own = t.constant(np.eye(len(e.classes_))[e._y])  # noqa: SLF001
    votes = t.op("Gather", own, numbers, axis=0)
    share = t.op("Unsqueeze", weights(t, e, distances), t.integers(2))
    total = t.total(t.op("Mul", votes, share), axis=1, keep=False)
    return Classes(winner=t.winner(total), probabilities=normalized(t, total))


def neighbour_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """Average the neighbours."""
    distances, numbers = neighbours(t, e, table)
    targets = np.asarray(e._y, dtype=np.float64)  # noqa: SLF001
    values = t.op("Gather", t.constant(targets.reshape(len(targets), -1)), numbers, axis=0)
    weight = weights(t, e, distances)
    share = t.op("Unsqueeze", weight, t.integers(2))
    total = t.total(t.op("Mul", values, share), axis=1, keep=False)
    return t.op("Div", total, t.total(weight))


def k_means(t: Translation, e: Any, table: Table) -> tuple[Wire, ...]:
    """Choose the nearest centre."""
    squares = to_each(t, t.numbers(table), t.constant(e.cluster_centers_[None]))
    return t.op("ArgMin", squares, axis=1, keepdims=0), t.op("Sqrt", squares)


def mixture(t: Translation, e: Any, table: Table) -> tuple[Wire, ...]:
    """Weigh Gaussians; the covariances are full or diagonal."""
    if e.covariance_type not in {"full", "diag"}:
        raise UntranslatableError(f"covariances of type {e.covariance_type}")
    x, parts, log_determinants = t.numbers(table), [], []
    for mean, factor in zip(e.means_, e.precisions_cholesky_, strict=True):
        factor = np.diag(factor) if factor.ndim == 1 else factor  # noqa: PLW2901
        turned = affine(t, t.op("Sub", x, t.constant(mean)), factor)
        parts.append(t.total(t.op("Mul", turned, turned)))
        log_determinants.append(np.log(np.diag(factor)).sum())
    norm = t.op("Mul", t.op("Concat", *parts, axis=1), t.constant(-0.5))
    density = t.op("Add", norm, t.constant(np.array(log_determinants) + np.log(e.weights_)))
    return t.winner(density), t.op("Softmax", density, axis=1)


CLASSIFY = {"KNeighborsClassifier": neighbour_classifier}
REGRESS = {"KNeighborsRegressor": neighbour_regressor}
CLUSTER = {"KMeans": k_means, "MiniBatchKMeans": k_means, "BisectingKMeans": k_means, "GaussianMixture": mixture}
