"""Support vectors and Gaussian processes: sums over kernels."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from modelyard.onnx.exact.distances import near
from modelyard.onnx.exact.linear import affine, binary, decided_by_sign
from modelyard.onnx.exact.translation import Classes, Table, Translation, UntranslatableError, Wire


def support_kernel(t: Translation, e: Any, table: Table) -> Wire:
    """Give the kernel between rows and support vectors."""
    vectors = e.support_vectors_
    vectors = vectors.toarray() if hasattr(vectors, "toarray") else np.asarray(vectors, dtype=np.float64)
    x, gamma = t.numbers(table), e._gamma  # noqa: SLF001
    if e.kernel == "rbf":
        return t.op("Exp", t.op("Mul", near(t, x, vectors), t.constant(-gamma)))
    product = t.op("MatMul", x, t.constant(vectors.T))
    if e.kernel == "linear":
        return product
    inner = t.op("Add", t.op("Mul", product, t.constant(gamma)), t.constant(e.coef0))
    if e.kernel == "poly":
        return t.op("Pow", inner, t.constant(float(e.degree)))
    if e.kernel == "sigmoid":
        return t.op("Tanh", inner)
    raise UntranslatableError("a kernel of the user's")


def support_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """Weigh the kernels."""
    return affine(t, support_kernel(t, e, table), _dual(e).T, e.intercept_)


def support_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """One score for two classes; for more, each pair votes."""
    if getattr(e, "break_ties", False):
        raise UntranslatableError("support vectors with break_ties")
    kernel, count = support_kernel(t, e, table), len(e.classes_)
    if count == 2:
        return _two_classes(t, e, affine(t, kernel, _dual(e).T, e.intercept_))
    if _calibrated(e):
        raise UntranslatableError("probabilities of support vectors for more than two classes")
    pairs = list(combinations(range(count), 2))
    scores = affine(t, kernel, _pair_coefficients(_dual(e), e.n_support_, pairs), e.intercept_)
    votes, confidence = _votes(t, scores, pairs, count)
    if e.decision_function_shape == "ovo":
        return Classes(winner=t.winner(votes), scores=scores)
    size = t.op("Add", t.op("Abs", confidence), t.constant(1.0))
    scaled = t.op("Div", confidence, t.op("Mul", size, t.constant(3.0)))
    return Classes(winner=t.winner(votes), scores=t.op("Add", votes, scaled))


def _two_classes(t: Translation, e: Any, score: Wire) -> Classes:
    if not _calibrated(e):
        return decided_by_sign(t, score)
    slope, offset = (t.constant(float(v[0])) for v in (e.probA_, e.probB_))
    first = t.op("Add", t.op("Mul", t.op("Neg", score), slope), offset)
    return decided_by_sign(t, score, binary(t, t.op("Sigmoid", first)))


def _calibrated(e: Any) -> bool:
    return bool(getattr(e, "probability", False) is True and np.size(getattr(e, "probA_", ())))


def _votes(t: Translation, scores: Wire, pairs: list[tuple[int, int]], count: int) -> tuple[Wire, Wire]:
    """Count the pairs that each class wins, and add up the scores for it."""
    first, second, sums = (np.zeros((len(pairs), count)) for _ in range(3))
    for row, (i, j) in enumerate(pairs):
        first[row, i] = second[row, j] = sums[row, i] = 1.0
        sums[row, j] = -1.0
    won = t.cast(t.op("Greater", scores, t.constant(0.0)), np.float64)
    lost = t.op("Sub", t.constant(1.0), won)
    votes = t.op("Add", affine(t, won, first), affine(t, lost, second))
    return votes, affine(t, scores, sums)


def _pair_coefficients(dual: np.ndarray, sizes: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
    """Place libsvm's dual coefficients: a column for each pair of classes."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    found = np.zeros((dual.shape[1], len(pairs)))
    for column, (i, j) in enumerate(pairs):
        of_i, of_j = slice(starts[i], starts[i + 1]), slice(starts[j], starts[j + 1])
        found[of_i, column] = dual[j - 1, of_i]
        found[of_j, column] = dual[i, of_j]
    return found


def _dual(e: Any) -> np.ndarray:
    dual = e.dual_coef_
    return np.asarray(dual.toarray() if hasattr(dual, "toarray") else dual, dtype=np.float64)


def one_class(t: Translation, e: Any, table: Table) -> tuple[Wire, ...]:
    """Inside where the sum of kernels is above zero."""
    score = t.flat(support_regressor(t, e, table))
    inlier = t.op("Greater", score, t.constant(0.0))
    return t.op("Where", inlier, t.constant(1, np.int64), t.constant(-1, np.int64)), score


def gaussian_process(t: Translation, e: Any, table: Table) -> Wire:
    """Give the mean of the posterior."""
    alpha = e.alpha_.reshape(len(e.alpha_), -1)
    mean = affine(t, covariance(t, e.kernel_, t.numbers(table), e.X_train_), alpha)
    scaled = t.op("Mul", mean, t.constant(np.atleast_1d(e._y_train_std)))  # noqa: SLF001
    return t.op("Add", scaled, t.constant(np.atleast_1d(e._y_train_mean)))  # noqa: SLF001


def covariance(t: Translation, kernel: Any, x: Wire, points: np.ndarray) -> Wire:
    """Give the covariance between rows and the training points."""
    name = type(kernel).__name__
    if name in {"Sum", "Product"}:
        both = (covariance(t, k, x, points) for k in (kernel.k1, kernel.k2))
        return t.op("Add" if name == "Sum" else "Mul", *both)
    if name not in _COVARIANCES:
        raise UntranslatableError(f"the kernel {name}")
    return _COVARIANCES[name](t, kernel, x, points)


def _scaled(t: Translation, kernel: Any, x: Wire, points: np.ndarray) -> Wire:
    scaled = t.op("Div", x, t.constant(np.atleast_1d(kernel.length_scale)))
    return near(t, scaled, points / kernel.length_scale)


def _rbf(t: Translation, kernel: Any, x: Wire, points: np.ndarray) -> Wire:
    return t.op("Exp", t.op("Mul", _scaled(t, kernel, x, points), t.constant(-0.5)))


def _matern(t: Translation, kernel: Any, x: Wire, points: np.ndarray) -> Wire:
    if kernel.nu not in {0.5, 1.5, 2.5}:
        raise UntranslatableError(f"a Matern kernel with nu={kernel.nu}")
    scaled = t.op("Mul", t.op("Sqrt", _scaled(t, kernel, x, points)), t.constant(np.sqrt(2 * kernel.nu)))
    decay = t.op("Exp", t.op("Neg", scaled))
    if kernel.nu == 0.5:
        return decay
    factor = t.op("Add", scaled, t.constant(1.0))
    if kernel.nu == 2.5:
        factor = t.op("Add", factor, t.op("Div", t.op("Mul", scaled, scaled), t.constant(3.0)))
    return t.op("Mul", factor, decay)


def _rational(t: Translation, kernel: Any, x: Wire, points: np.ndarray) -> Wire:
    factor = 2 * kernel.alpha * kernel.length_scale**2
    inner = t.op("Add", t.op("Div", near(t, x, points), t.constant(factor)), t.constant(1.0))
    return t.op("Pow", inner, t.constant(-kernel.alpha))


def _dot(t: Translation, kernel: Any, x: Wire, points: np.ndarray) -> Wire:
    return t.op("Add", t.op("MatMul", x, t.constant(points.T)), t.constant(kernel.sigma_0**2))


def _constant(t: Translation, kernel: Any, x: Wire, points: np.ndarray) -> Wire:
    zero = t.op("MatMul", x, t.constant(np.zeros_like(points.T)))
    return t.op("Add", zero, t.constant(float(kernel.constant_value)))


def _white(t: Translation, _: Any, x: Wire, points: np.ndarray) -> Wire:
    return t.op("MatMul", x, t.constant(np.zeros_like(points.T)))


_COVARIANCES: dict[str, Callable[[Translation, Any, Wire, np.ndarray], Wire]] = {
    "RBF": _rbf,
    "Matern": _matern,
    "RationalQuadratic": _rational,
    "DotProduct": _dot,
    "ConstantKernel": _constant,
    "WhiteKernel": _white,
}
CLASSIFY = {"SVC": support_classifier, "NuSVC": support_classifier}
REGRESS = {"SVR": support_regressor, "NuSVR": support_regressor, "GaussianProcessRegressor": gaussian_process}
DETECT = {"OneClassSVM": one_class}
