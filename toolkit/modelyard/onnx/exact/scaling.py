"""What moves, scales, projects, fills and chooses columns of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from modelyard.models.signature import MISSING_TEXT
from modelyard.onnx.exact.linear import affine
from modelyard.onnx.exact.translation import Piece, Table, Translation, UntranslatableError, Wire

Columns = tuple[Wire, int]


def standard(t: Translation, e: Any, table: Table) -> Columns:
    """``(x - mean) / scale``."""
    x = t.numbers(table)
    x = t.op("Sub", x, t.constant(e.mean_)) if e.with_mean else x
    return (t.op("Div", x, t.constant(e.scale_)) if e.with_std else x), table.width


def between(t: Translation, e: Any, table: Table) -> Columns:
    """``x * scale + min``, cut to the range if asked."""
    x = t.op("Add", t.op("Mul", t.numbers(table), t.constant(e.scale_)), t.constant(e.min_))
    if e.clip:
        low, high = (t.constant(v) for v in e.feature_range)
        x = t.op("Clip", x, low, high)
    return x, table.width


def largest(t: Translation, e: Any, table: Table) -> Columns:
    """``x / scale``."""
    return t.op("Div", t.numbers(table), t.constant(e.scale_)), table.width


def robust(t: Translation, e: Any, table: Table) -> Columns:
    """``(x - median) / range``."""
    x = t.numbers(table)
    x = t.op("Sub", x, t.constant(e.center_)) if e.with_centering else x
    return (t.op("Div", x, t.constant(e.scale_)) if e.with_scaling else x), table.width


def unit(t: Translation, e: Any, table: Table) -> Columns:
    """Divide each row by its norm, unless that is zero."""
    return by_norm(t, t.numbers(table), e.norm), table.width


def by_norm(t: Translation, x: Wire, norm: str) -> Wire:
    """Divide each row by a norm: ``l1``, ``l2`` or ``max``."""
    if norm == "l2":
        size = t.op("Sqrt", t.total(t.op("Mul", x, x)))
    elif norm == "l1":
        size = t.total(t.op("Abs", x))
    else:
        size = t.op("ReduceMax", t.op("Abs", x), t.integers(1), keepdims=1)
    one = t.constant(1.0)
    return t.op("Div", x, t.op("Where", t.op("Equal", size, t.constant(0.0)), one, size))


def binarized(t: Translation, e: Any, table: Table) -> Columns:
    """Tell what is above the threshold."""
    return t.cast(t.op("Greater", t.numbers(table), t.constant(e.threshold)), np.float64), table.width


def polynomial(t: Translation, e: Any, table: Table) -> Columns:
    """Multiply columns; a column of ones stands for the factors that are not there."""
    powers, width = e.powers_, table.width
    degree = int(powers.sum(axis=1).max())
    factors = np.full((len(powers), degree), width)
    for row, exponents in enumerate(powers):
        chosen = np.repeat(np.arange(width), exponents)
        factors[row, : len(chosen)] = chosen
    x = t.op("Pad", t.numbers(table), t.integers(0, 0, 0, 1), t.constant(1.0))
    product = t.op("Gather", x, t.constant(factors[:, 0], np.int64), axis=1)
    for k in range(1, degree):
        product = t.op("Mul", product, t.op("Gather", x, t.constant(factors[:, k], np.int64), axis=1))
    return product, len(powers)


def power(t: Translation, e: Any, table: Table) -> Columns:
    """Yeo-Johnson or Box-Cox, then standardize.

    Source: I.K. Yeo and R.A. Johnson, "A new family of power transformations to improve normality or symmetry",
    Biometrika 87 (2000).
    """
    x, one = t.numbers(table), t.constant(1.0)
    if e.method == "box-cox":
        made = _powered(t, x, e.lambdas_)
    else:
        zero = t.constant(0.0)
        above = _powered(t, t.op("Add", t.op("Max", x, zero), one), e.lambdas_)
        below = _powered(t, t.op("Sub", one, t.op("Min", x, zero)), 2.0 - e.lambdas_)
        made = t.op("Where", t.op("Less", x, zero), t.op("Neg", below), above)
        made = t.op("Where", t.op("IsNaN", x), x, made)
    scaled = Table(pieces=(Piece(wire=made, width=table.width),))
    return standard(t, e._scaler, scaled) if e.standardize else (made, table.width)  # noqa: SLF001


def _powered(t: Translation, x: Wire, exponents: np.ndarray) -> Wire:
    """``(x ** p - 1) / p``, and the logarithm where p is nearly zero."""
    small = np.abs(exponents) < np.spacing(1.0)
    divisor = np.where(small, 1.0, exponents)
    raised = t.op("Div", t.op("Sub", t.op("Pow", x, t.constant(exponents)), t.constant(1.0)), t.constant(divisor))
    return t.op("Where", t.constant(small, bool), t.op("Log", x), raised)


def imputed(t: Translation, e: Any, table: Table) -> Table:
    """Fill what is missing, and tell where it was, if asked."""
    if e.missing_values is not None and e.missing_values == e.missing_values:  # NaN is not itself
        raise UntranslatableError(f"an imputer of {e.missing_values!r}")
    pieces = []
    for i, fill in enumerate(e.statistics_):
        (piece,) = t.columns(table, [i]).pieces
        if isinstance(fill, float) and np.isnan(fill):
            if not e.keep_empty_features:
                continue
            fill = 0.0  # noqa: PLW2901 - what scikit-learn fills an empty column with
        pieces.append(Piece(wire=_filled(t, piece, fill), width=1, text=piece.text))
    if e.add_indicator:
        pieces += _indicated(t, e.indicator_.features_, table)
    return Table(pieces=tuple(pieces))


def _filled(t: Translation, piece: Piece, fill: Any) -> Wire:
    if piece.text:
        missing = t.op("Equal", piece.wire, t.constant([MISSING_TEXT], object))
        return t.op("Where", missing, t.constant([fill], object), piece.wire)
    x = t.cast(piece.wire, np.float64)
    return t.op("Where", t.op("IsNaN", x), t.constant([float(fill)]), x)


def _indicated(t: Translation, features: Any, table: Table) -> list[Piece]:
    pieces = []
    for i in features:
        (piece,) = t.columns(table, [int(i)]).pieces
        missing = (
            t.op("Equal", piece.wire, t.constant([MISSING_TEXT], object))
            if piece.text
            else t.op("IsNaN", t.cast(piece.wire, np.float64))
        )
        pieces.append(Piece(wire=t.cast(missing, np.float64), width=1))
    return pieces


def discretized(t: Translation, e: Any, table: Table) -> Table:
    """Count the inner edges that are not above the number."""
    x, pieces = t.numbers(table), []
    for i, edges in enumerate(e.bin_edges_):
        column = t.op("Gather", x, t.integers(i), axis=1)
        reached = t.op("GreaterOrEqual", column, t.constant(np.reshape(edges[1:-1], (1, -1))))
        number = t.total(t.cast(reached, np.float64))
        if e.encode == "ordinal":
            pieces.append(Piece(wire=number, width=1))
        else:
            bins = t.constant(np.arange(len(edges) - 1.0).reshape(1, -1))
            pieces.append(Piece(wire=t.cast(t.op("Equal", number, bins), np.float64), width=len(edges) - 1))
    return Table(pieces=tuple(pieces))


def chosen(t: Translation, e: Any, table: Table) -> Table:
    """Keep the columns that were selected."""
    return t.columns(table, [int(i) for i in e.get_support(indices=True)])


def principal(t: Translation, e: Any, table: Table) -> Columns:
    """Centre, and project onto the components."""
    x = (
        t.op("Sub", t.numbers(table), t.constant(e.mean_))
        if getattr(e, "mean_", None) is not None
        else t.numbers(table)
    )
    components = e.components_.T
    if getattr(e, "whiten", False) and hasattr(e, "explained_variance_"):
        components = components / np.sqrt(e.explained_variance_)
    return affine(t, x, components), components.shape[1]


def projected(t: Translation, e: Any, table: Table) -> Columns:
    """Project onto the components."""
    components = e.components_.toarray() if hasattr(e.components_, "toarray") else e.components_
    return affine(t, t.numbers(table), components.T), len(components)


def discriminated(t: Translation, e: Any, table: Table) -> Columns:
    """Project onto the discriminants."""
    count = e._max_components  # noqa: SLF001
    return affine(t, t.op("Sub", t.numbers(table), t.constant(e.xbar_)), e.scalings_[:, :count]), count


def function(t: Translation, e: Any, table: Table) -> Table:
    """Apply one of the functions of NumPy that ONNX has too."""
    if e.func is None:
        return table
    if e.func not in _FUNCTIONS or e.kw_args:
        raise UntranslatableError(f"a FunctionTransformer of {getattr(e.func, '__name__', e.func)}")
    return Table(pieces=(Piece(wire=_FUNCTIONS[e.func](t, t.numbers(table)), width=table.width),))


_FUNCTIONS: dict[Any, Callable[[Translation, Wire], Wire]] = {
    np.log1p: lambda t, x: t.op("Log", t.op("Add", x, t.constant(1.0))),
    np.expm1: lambda t, x: t.op("Sub", t.op("Exp", x), t.constant(1.0)),
    np.square: lambda t, x: t.op("Mul", x, x),
    np.log: lambda t, x: t.op("Log", x),
    np.exp: lambda t, x: t.op("Exp", x),
    np.sqrt: lambda t, x: t.op("Sqrt", x),
    np.abs: lambda t, x: t.op("Abs", x),
}
_SELECTORS = (
    "VarianceThreshold",
    "SelectKBest",
    "SelectPercentile",
    "SelectFpr",
    "SelectFdr",
    "SelectFwe",
    "GenericUnivariateSelect",
    "SelectFromModel",
    "RFE",
    "RFECV",
    "SequentialFeatureSelector",
)
TRANSFORM = {
    "StandardScaler": standard,
    "MinMaxScaler": between,
    "MaxAbsScaler": largest,
    "RobustScaler": robust,
    "Normalizer": unit,
    "Binarizer": binarized,
    "PolynomialFeatures": polynomial,
    "PowerTransformer": power,
    "SimpleImputer": imputed,
    "KBinsDiscretizer": discretized,
    "FunctionTransformer": function,
    "LinearDiscriminantAnalysis": discriminated,
    **dict.fromkeys(["PCA", "IncrementalPCA", "FastICA"], principal),
    **dict.fromkeys(["TruncatedSVD", "GaussianRandomProjection", "SparseRandomProjection"], projected),
    **dict.fromkeys(_SELECTORS, chosen),
}
