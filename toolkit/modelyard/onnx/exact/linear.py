"""Linear models, and what is made of a linear function."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelyard.onnx.exact.translation import Classes, Table, Translation, UntranslatableError, Wire


def affine(t: Translation, x: Wire, coefficients: Any, intercept: Any = 0.0) -> Wire:
    """Give ``x @ coefficients + intercept``; the coefficients have the shape (n_features, n_targets)."""
    product = t.op("MatMul", x, t.constant(np.atleast_2d(coefficients)))
    return product if not np.any(intercept) else t.op("Add", product, t.constant(np.atleast_1d(intercept)))


def binary(t: Translation, probability: Wire) -> Wire:
    """Put the probability of the first class before that of the second."""
    return t.op("Concat", t.op("Sub", t.constant(1.0), probability), probability, axis=1)


def normalized(t: Translation, values: Wire) -> Wire:
    """Divide each row by its sum."""
    return t.op("Div", values, t.total(values))


def decided(t: Translation, scores: Wire, probabilities: Wire | None = None) -> Classes:
    """Choose the class by the scores: by the sign of a single one."""
    return Classes(winner=winner_of(t, scores, single=False), scores=scores, probabilities=probabilities)


def decided_by_sign(t: Translation, score: Wire, probabilities: Wire | None = None) -> Classes:
    """Choose between two classes by one score."""
    return Classes(winner=winner_of(t, score, single=True), scores=t.flat(score), probabilities=probabilities)


def winner_of(t: Translation, scores: Wire, *, single: bool) -> Wire:
    """Tell the winning class by the scores."""
    if single:
        return t.flat(t.cast(t.op("Greater", scores, t.constant(0.0)), np.int64))
    return t.winner(scores)


def linear_regression(t: Translation, e: Any, table: Table) -> Wire:
    """``x @ coef_ + intercept_``."""
    return affine(t, t.numbers(table), np.atleast_2d(e.coef_).T, e.intercept_)


def log_link_regression(t: Translation, e: Any, table: Table) -> Wire:
    """Generalized linear models whose mean is the exponential of a linear function."""
    link = getattr(e, "link", "log")
    power = getattr(e, "power", 1)
    linear = linear_regression(t, e, table)
    identity = link == "identity" or (link == "auto" and power <= 0)
    return linear if identity else t.op("Exp", linear)


def pls_regression(t: Translation, e: Any, table: Table) -> Wire:
    """Centre, then a linear function."""
    centred = t.op("Sub", t.numbers(table), t.constant(e._x_mean))  # noqa: SLF001
    return affine(t, centred, e.coef_.T, e.intercept_)


def scores_of(t: Translation, e: Any, table: Table) -> tuple[Wire, bool]:
    """Give the decision function, and whether it is a single one."""
    coefficients = np.atleast_2d(e.coef_)
    return affine(t, t.numbers(table), coefficients.T, e.intercept_), len(coefficients) == 1


def scoring_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Linear classifiers without probabilities."""
    scores, single = scores_of(t, e, table)
    return decided_by_sign(t, scores) if single else decided(t, scores)


def logistic_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Logistic regression and linear discriminant analysis: sigmoid of one score, softmax of several."""
    scores, single = scores_of(t, e, table)
    if single:
        return decided_by_sign(t, scores, binary(t, t.op("Sigmoid", scores)))
    if getattr(e, "solver", "") == "liblinear":
        return decided(t, scores, normalized(t, t.op("Sigmoid", scores)))
    return decided(t, scores, t.op("Softmax", scores, axis=1))


def sgd_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Logistic loss: each class against the rest."""
    if e.loss != "log_loss":
        if e.loss == "modified_huber":
            raise UntranslatableError("the loss modified_huber")
        return scoring_classifier(t, e, table)
    scores, single = scores_of(t, e, table)
    if single:
        return decided_by_sign(t, scores, binary(t, t.op("Sigmoid", scores)))
    return decided(t, scores, normalized(t, t.op("Sigmoid", scores)))


def quadratic_discriminant(t: Translation, e: Any, table: Table) -> Classes:
    """Take a Gaussian for each class, each with its own rotation and scale."""
    x, parts = t.numbers(table), []
    for mean, rotation, scale in zip(e.means_, e.rotations_, e.scalings_, strict=True):
        turned = affine(t, t.op("Sub", x, t.constant(mean)), rotation * scale**-0.5)
        parts.append(t.total(t.op("Mul", turned, turned)))
    norm = t.op("Concat", *parts, axis=1)
    spread = np.array([np.sum(np.log(s)) for s in e.scalings_])
    constant = t.constant(-0.5 * spread + np.log(e.priors_))
    scores = t.op("Add", t.op("Mul", norm, t.constant(-0.5)), constant)
    probabilities = t.op("Softmax", scores, axis=1)
    return Classes(winner=t.winner(scores), scores=scores, probabilities=probabilities)


def ransac(t: Translation, e: Any, table: Table) -> Wire:
    """Take the estimator that the consensus was fitted with."""
    return t.regress(e.estimator_, table)


_LINEAR = (
    "LinearRegression",
    "Ridge",
    "RidgeCV",
    "Lasso",
    "LassoCV",
    "ElasticNet",
    "ElasticNetCV",
    "BayesianRidge",
    "ARDRegression",
    "HuberRegressor",
    "SGDRegressor",
    "LinearSVR",
    "Lars",
    "LarsCV",
    "LassoLars",
    "LassoLarsCV",
    "LassoLarsIC",
    "OrthogonalMatchingPursuit",
    "TheilSenRegressor",
    "QuantileRegressor",
    "MultiTaskLasso",
    "MultiTaskElasticNet",
    "PassiveAggressiveRegressor",
)
REGRESS = {
    **dict.fromkeys(_LINEAR, linear_regression),
    **dict.fromkeys(["PoissonRegressor", "GammaRegressor", "TweedieRegressor"], log_link_regression),
    **dict.fromkeys(["PLSRegression", "PLSCanonical"], pls_regression),
    "RANSACRegressor": ransac,
}
CLASSIFY = {
    **dict.fromkeys(["LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis"], logistic_classifier),
    **dict.fromkeys(
        ["RidgeClassifier", "RidgeClassifierCV", "LinearSVC", "Perceptron", "PassiveAggressiveClassifier"],
        scoring_classifier,
    ),
    "SGDClassifier": sgd_classifier,
    "QuadraticDiscriminantAnalysis": quadratic_discriminant,
}
