"""Rows beside which an estimator's answer jumps, found without knowing how it works."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from modelyard.onnx.original import Answer, Original
from modelyard.onnx.rows import Rows

LINES = 48
STEPS = 70  # enough to come from any two numbers to neighbouring ones
BESIDE = 1e-11  # much less than float32 can tell, much more than the rounding of float64


def jump_rows(original: Original, sample: Rows) -> Iterator[tuple[str, Rows]]:
    """Search lines between rows of the sample for where the answer jumps, down to neighbouring numbers.

    Of the kind ``jumps``, the second half of the rows lies on the other sides of the jumps of the first.
    """
    numeric = sample.numeric()
    if not numeric:
        return
    random = np.random.default_rng(7)
    pairs = random.integers(0, len(sample), (2, LINES))
    low, high = sample.take(pairs[0]), sample.take(pairs[1])
    low = low.replace({i: high.columns[i] for i in range(len(sample.columns)) if i not in numeric})
    away = {i: np.sign(low.columns[i].astype(np.float64) - high.columns[i]) for i in numeric}
    ends = _narrowed(original, low, high)
    if ends is None:
        return
    for rows in ends:
        yield "jumps", rows
    for rows, sign in zip(ends, (1.0, -1.0), strict=True):
        moved = {i: rows.columns[i] + sign * a * BESIDE * np.abs(rows.columns[i]) for i, a in away.items()}
        yield "beside jumps", rows.replace(moved)


def _narrowed(original: Original, low: Rows, high: Rows) -> tuple[Rows, Rows] | None:
    """Halve the lines until nothing is between their ends; None if the estimator refuses a row."""
    numeric = low.numeric()
    (at_low, taken), (at_high, taken_too) = original.answer(low), original.answer(high)
    for _ in range(STEPS):
        middle = low.replace({i: low.columns[i] / 2.0 + high.columns[i] / 2.0 for i in numeric})
        at_middle, taken_middle = original.answer(middle)
        if not (taken.all() and taken_too.all() and taken_middle.all()):
            return None
        left = _change(at_low, at_middle) >= _change(at_middle, at_high)
        low, high = _mixed(left, low, middle, numeric), _mixed(left, middle, high, numeric)
        at_low = {n: _where(left, v, at_middle[n]) for n, v in at_low.items()}
        at_high = {n: _where(left, at_middle[n], v) for n, v in at_high.items()}
    return low, high


def _change(first: Answer, second: Answer) -> np.ndarray:
    """Tell how much the answer changes in each row; another label counts most."""
    total = np.zeros(len(next(iter(first.values()))))
    for name, value in first.items():
        if value.dtype == object or name == "label":
            moved = (value != second[name]).reshape(len(total), -1).any(axis=1) * 1e3
        else:
            with np.errstate(all="ignore"):
                moved = np.nan_to_num(np.abs(value * 1.0 - second[name])).reshape(len(total), -1).sum(axis=1)
        total += moved
    return total


def _mixed(first: np.ndarray, a: Rows, b: Rows, numeric: tuple[int, ...]) -> Rows:
    return a.replace({i: np.where(first, a.columns[i], b.columns[i]) for i in numeric})


def _where(first: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(first.reshape(-1, *[1] * (a.ndim - 1)), a, b)
