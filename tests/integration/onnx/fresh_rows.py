"""Rows that the conversion has not seen, made in other ways than it makes its own."""

import numpy as np
import pandas as pd

STRANGE_TEXTS = [
    "",
    "Free MONEY!!! free",
    "zzz qqq",
    "NAÏVE café Café",
    "a-b meeting_now lunch.report",
    "the the the 42",
    "ÜBER",
]


def fresh(estimator, unseen, seed=11):
    """Give unseen rows, and such with numbers moved, mixed, huge, missing or beside a change of the answer."""
    if isinstance(unseen, list):
        return [*unseen, *STRANGE_TEXTS, *(t.upper() for t in unseen[:20]), *(t + t[::-1] for t in unseen[:20])]
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(unseen).head(80)
    numbers = [c for c in frame.columns if frame[c].dtype.kind in "fiu"]
    made = [frame, *_moved(frame, numbers, random), *_strange(frame, numbers)]
    made += [_beside_changes(estimator, frame, c, isinstance(unseen, np.ndarray)) for c in numbers[:6]]
    rows = pd.concat(made, ignore_index=True).astype(frame.dtypes)
    return rows.to_numpy() if isinstance(unseen, np.ndarray) else rows


def _moved(frame, numbers, random):
    for change in (
        lambda v: np.nextafter(v.astype(np.float32), np.float32(np.inf)).astype(np.float64),
        lambda v: v * (1 + 1e-9),
        lambda v: v + random.normal(0, np.nanstd(v) + 1e-9, len(v)),
        random.permutation,
        lambda v: v * random.choice([-1e3, 1e2, 1e5, 1e8], len(v)),
    ):
        yield _typed(frame, numbers, change)


def _typed(frame, numbers, change):
    made = frame.copy()
    for c in numbers:
        values = change(frame[c].to_numpy().astype(np.float64))
        made[c] = np.round(values).astype(np.int64) if frame[c].dtype.kind in "iu" else values
    return made


def _strange(frame, numbers):
    for c in frame.columns:
        if c in numbers and frame[c].dtype.kind == "f":
            yield _with(frame.head(2), c, np.nan)
        elif frame[c].dtype == object or str(frame[c].dtype) == "str":
            for text in ("unheard of", "", "s", "MALE", "ö", None):
                yield _with(frame.head(3), c, text)


def _with(frame, column, value):
    made = frame.copy()
    made[column] = (
        pd.Series([value] * len(made), dtype=object, index=made.index) if not isinstance(value, float) else value
    )
    return made.astype({column: frame[column].dtype})


def _beside_changes(estimator, frame, column, as_array):
    """Search along one column for where the answer changes, and step to both sides, by 1e-9 and by float32 steps."""
    if frame[column].dtype.kind != "f":
        return frame.head(0)
    base = frame.fillna(frame.median(numeric_only=True)).head(16).reset_index(drop=True)
    low = np.full(len(base), base[column].min() - 1.0)
    high = np.full(len(base), base[column].max() + 1.0)
    start = _answer(estimator, _put(base, column, low), as_array)
    if start is None:
        return frame.head(0)
    for _ in range(60):
        middle = (low + high) / 2
        same = _answer(estimator, _put(base, column, middle), as_array) == start
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    step = np.spacing(np.abs(low).astype(np.float32)).astype(np.float64)
    moved = [low * (1 - 1e-9), high * (1 + 1e-9), low - step, high + step]
    return pd.concat([_put(base, column, values) for values in moved], ignore_index=True)


def _put(frame, column, values):
    made = frame.copy()
    made[column] = values
    return made


def _answer(estimator, frame, as_array):
    try:
        answer = estimator.predict(frame.to_numpy() if as_array else frame)
    except (ValueError, AttributeError):
        return None
    return np.asarray(answer).reshape(len(frame), -1)[:, 0]
