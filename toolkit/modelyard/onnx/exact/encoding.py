"""Categories as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelyard.models.signature import MISSING_TEXT, is_missing
from modelyard.onnx.exact.translation import Piece, Table, Translation, UntranslatableError, Wire


def matches(t: Translation, piece: Piece, categories: np.ndarray) -> Wire:
    """Tell which category each value of a column is: float64, shape (n_rows, n_categories), at most a single one."""
    if piece.text:
        known = [MISSING_TEXT if is_missing(c) else c for c in categories.tolist()]
        if not all(isinstance(c, str) for c in known):
            raise UntranslatableError("categories that are not all texts")
        return t.cast(t.op("Equal", piece.wire, t.constant([known], object)), np.float64)
    numbers = np.array([np.nan if is_missing(c) else c for c in categories.tolist()], dtype=np.float64)
    x = t.cast(piece.wire, np.float64)
    found = t.cast(t.op("Equal", x, t.constant(numbers.reshape(1, -1))), np.float64)
    if np.isnan(numbers).any():
        missing = t.cast(t.op("IsNaN", x), np.float64)
        found = t.op("Add", found, t.op("Mul", missing, t.constant([np.isnan(numbers)])))
    return found


def one_hot(t: Translation, e: Any, table: Table) -> Table:
    """Make a column for each category."""
    if getattr(e, "_infrequent_enabled", False):
        raise UntranslatableError("a one-hot encoder that joins infrequent categories")
    pieces = []
    for i, categories in enumerate(e.categories_):
        (piece,) = t.columns(table, [i]).pieces
        found, width = matches(t, piece, categories), len(categories)
        dropped = None if e.drop_idx_ is None else e.drop_idx_[i]
        if dropped is not None:
            kept = [k for k in range(width) if k != dropped]
            found, width = t.op("Gather", found, t.integers(*kept), axis=1), len(kept)
        pieces.append(Piece(wire=found, width=width))
    return Table(pieces=tuple(pieces))


def ordinal(t: Translation, e: Any, table: Table) -> Table:
    """Give the number of the category."""
    if getattr(e, "_infrequent_enabled", False):
        raise UntranslatableError("an ordinal encoder that joins infrequent categories")
    pieces = []
    for i, categories in enumerate(e.categories_):
        (piece,) = t.columns(table, [i]).pieces
        found = matches(t, piece, categories)
        numbers = np.arange(len(categories), dtype=np.float64)
        missing = np.array([is_missing(c) for c in categories.tolist()])
        numbers[missing] = e.encoded_missing_value if missing.any() else 0.0
        number = _picked(t, found, numbers)
        if e.handle_unknown == "use_encoded_value":
            number = t.op("Where", _known(t, found), number, t.constant([float(e.unknown_value)]))
        pieces.append(Piece(wire=number, width=1))
    return Table(pieces=tuple(pieces))


def target_encoded(t: Translation, e: Any, table: Table) -> Table:
    """Give the mean of the target in the category; the mean of all where it is unknown."""
    outputs = 1 if e.target_type_ != "multiclass" else len(e.classes_)
    pieces = []
    for i, categories in enumerate(e.categories_):
        (piece,) = t.columns(table, [i]).pieces
        found = matches(t, piece, categories)
        known = _known(t, found)
        for k in range(outputs):
            mean = float(np.atleast_1d(e.target_mean_)[k])
            number = _picked(t, found, np.asarray(e.encodings_[i * outputs + k]))
            pieces.append(Piece(wire=t.op("Where", known, number, t.constant([mean])), width=1))
    return Table(pieces=tuple(pieces))


def _picked(t: Translation, found: Wire, numbers: np.ndarray) -> Wire:
    chosen = t.op("ArgMax", found, axis=1, keepdims=0)
    return t.column(t.op("Gather", t.constant(numbers), chosen))


def _known(t: Translation, found: Wire) -> Wire:
    return t.op("Greater", t.op("ReduceMax", found, t.integers(1), keepdims=1), t.constant(0.0))


TRANSFORM = {"OneHotEncoder": one_hot, "OrdinalEncoder": ordinal, "TargetEncoder": target_encoded}
