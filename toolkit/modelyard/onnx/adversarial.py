"""Rows that are made to find differences: what rounds, overflows, is missing, is unknown, or lies on an edge.

Everything here is deterministic: the same sample gives the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from modelyard.onnx.jumps import jump_rows
from modelyard.onnx.original import Original
from modelyard.onnx.rows import Rows
from modelyard.onnx.thresholds import threshold_rows

PAIRS = ("jumps", "prepared thresholds")  # the second half lies on the other sides of the first
MOST_ROWS = 400  # of one kind; beyond it every n-th row is kept
SIZES = (0.0, -0.0, 1e-300, 1e-30, -1e-7, 0.1, 1 / 3, 1e3, -1e6, 1e9, 1e15, -1e30, 1e37)
INTEGERS = (2**24 - 1, 2**24 + 1, -(2**24) - 1, 2**24 + 3, 2**31 - 1, 2**31 + 1, -(2**31), 2**53 - 1)
UNKNOWN = ("never seen before", "", " ", "nan", "None", "0", "北京", "ñandú", "É", "ß", "a\nb", "x" * 300)
TEXTS = (
    *(
        "",
        " ",
        "\n\t",
        "!!! ??? ...",
        "a",
        "I am a b c",
        "1234 12 3 4.5",
        "don't can't won't",
        "e-mail foo_bar x_1 _ __",
    ),
    *(
        "UPPER lower MiXeD",
        "naïve café Ñandú Übergröße ÉCOLE",
        "ПРИВЕТ мир",
        "北京 天气 很好",
        "日本語のテキスト",
        "emoji 😀 ok",
    ),
    *("cafe\u0301 precomposed", "zero\u200bwidth joined", "non\u00a0breaking\u2003spaces", "tab\tand\r\nlines"),
    *("a.b.c http://x.org/y?z=1&w=2", "user@example.com #tag $5 50%", "x" * 2000, "word " * 400),
    *(
        "İstanbul ISPARTA \u0131ss\u0131z",
        "ΟΔΟΣ ὈΔΥΣΣΕΎΣ",
        "ﬁne ﬂow",
        "²³ ½ ①",
        "हिन्दी भाषा",
        "العربية",
        "straße STRASSE",
    ),
)


def challenges(original: Original, sample: Rows) -> Iterator[tuple[str, Rows]]:
    """Give the rows of each kind that suits the sample.

    Parameters
    ----------
    original
        The estimator: its thresholds are read, and its jumps are searched for.
    sample
        Where the rows start from.
    """
    found: dict[str, list[Rows]] = {}
    for kind, rows in _all(original, sample):
        if len(rows):
            found.setdefault(kind, []).append(rows)
    for kind, parts in found.items():
        yield kind, thin(Rows.stack(parts), MOST_ROWS)


def _all(original: Original, sample: Rows) -> Iterator[tuple[str, Rows]]:
    yield from threshold_rows(original, sample)
    yield from jump_rows(original, sample)
    for kind, make in _KINDS.items():
        yield from ((kind, rows) for rows in make(sample))


def thin(rows: Rows, most: int) -> Rows:
    """Keep at most `most` rows, spread evenly."""
    if len(rows) <= most:
        return rows
    return rows.take(np.linspace(0, len(rows) - 1, most).astype(int))


def _neighbours(sample: Rows) -> Iterator[Rows]:
    """Move numbers to what float32 cannot hold: one step, half a step, and less."""
    base, numeric = thin(sample, 40), sample.numeric()
    for step in (1.0, -1.0, 0.5, 1e-3):
        yield base.replace({i: _step(base.columns[i], step) for i in numeric}) if numeric else base.take([])


def _sizes(sample: Rows) -> Iterator[Rows]:
    """Put very small and very large numbers in one column, and in all."""
    for i in _some(sample.numeric()):
        yield _vary(sample, i, np.array(SIZES))
    numeric = sample.numeric()
    if numeric:
        base = thin(sample, 20)
        for factor in (1e3, -1e6, 1e12):
            yield base.replace({i: base.columns[i] * np.float64(factor) for i in numeric})
        for offset in (1e4, 1e8):
            yield base.replace({i: base.columns[i] + _spread(sample.columns[i]) * offset for i in numeric})


def _integers(sample: Rows) -> Iterator[Rows]:
    """Put integers that float32 cannot hold in columns of whole numbers."""
    for i in _some(sample.numeric()):
        column = sample.columns[i]
        if column.dtype.kind in "iu" or (column == np.round(column)).all():
            yield _vary(sample, i, np.array(INTEGERS, dtype=np.float64))


def _missing(sample: Rows) -> Iterator[Rows]:
    """Leave out each value in turn, and all."""
    able = [i for i, c in enumerate(sample.columns) if c.dtype.kind in "fO" and sample.form != "texts"]
    nothing = {i: np.array([None if sample.columns[i].dtype == object else np.nan]) for i in able}
    for i in _some(tuple(able)):
        for row in (0, len(sample) - 1):
            yield sample.take([row]).replace({i: nothing[i]})
    if able:
        yield sample.take([0]).replace(nothing)


def _infinities(sample: Rows) -> Iterator[Rows]:
    for i in _some(tuple(i for i in sample.numeric() if sample.columns[i].dtype.kind == "f")):
        yield _vary(sample, i, np.array([np.inf, -np.inf]))


def _categories(sample: Rows) -> Iterator[Rows]:
    """Put texts that were never seen, and near ones, in columns of texts; whole numbers get neighbours."""
    if sample.form == "texts":
        return
    for i, column in enumerate(sample.columns):
        present = (
            [v for v in dict.fromkeys(column.tolist()) if isinstance(v, str)][:8] if column.dtype == object else []
        )
        near = [change(v) for v in present for change in _CHANGES]
        if present:
            yield _vary(sample, i, np.array([*UNKNOWN, *present, *near, None], dtype=object)[:-1])


def _texts(sample: Rows) -> Iterator[Rows]:
    """Try texts that tokenizers differ on, alone and mixed with the sample's words."""
    if sample.form != "texts":
        return
    known = [t for t in sample.columns[0].tolist() if isinstance(t, str)][:20]
    mixed = [f"{a} {b}" for a, b in zip(known, TEXTS, strict=False)]
    changed = [change(t) for t in known for change in _CHANGES]
    texts = np.array([*TEXTS, *mixed, *changed, None], dtype=object)[:-1]
    yield sample.take(np.zeros(len(texts), dtype=int)).replace({0: texts})


def _mixtures(sample: Rows) -> Iterator[Rows]:
    """Shuffle each column by itself, and take points between rows."""
    random = np.random.default_rng(20)
    base = thin(sample, 200)
    if sample.form == "texts":
        return
    yield base.replace({i: random.permutation(c) for i, c in enumerate(base.columns)})
    pairs = random.integers(0, len(base), (2, 60))
    a, b = base.take(pairs[0]), base.take(pairs[1])
    yield a.replace({i: (a.columns[i] + b.columns[i].astype(np.float64)) / 2 for i in base.numeric()})
    uniform = {i: _uniform(random, sample.columns[i], 100) for i in sample.numeric()}
    yield sample.take(random.integers(0, len(sample), 100)).replace(uniform)


_CHANGES: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    lambda t: f" {t} ",
    lambda t: t[:-1],
    lambda t: t + t,
)
_KINDS: dict[str, Callable[[Rows], Iterator[Rows]]] = {
    "mixtures": _mixtures,
    "float32 neighbours": _neighbours,
    "sizes": _sizes,
    "integers": _integers,
    "missing": _missing,
    "infinities": _infinities,
    "categories": _categories,
    "texts": _texts,
}


def _vary(sample: Rows, column: int, values: np.ndarray) -> Rows:
    """Give rows of the sample in turn, each with one of `values` in `column`."""
    return sample.take(np.arange(len(values)) % len(sample)).replace({column: values})


def _some(columns: tuple[int, ...]) -> tuple[int, ...]:
    """Keep at most 12 columns, spread evenly."""
    return (
        columns if len(columns) <= 12 else tuple(columns[i] for i in np.linspace(0, len(columns) - 1, 12).astype(int))
    )


def _step(column: np.ndarray, step: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        values = column.astype(np.float64)
        return values + step * np.spacing(np.abs(values.astype(np.float32))).astype(np.float64)


def _spread(column: np.ndarray) -> float:
    finite = column[np.isfinite(column)]
    return float(np.std(finite)) or 1.0 if len(finite) else 1.0


def _uniform(random: Any, column: np.ndarray, count: int) -> np.ndarray:
    finite = column[np.isfinite(column)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    values = random.uniform(low - (high - low) / 4, high + (high - low) / 4, count)
    return np.asarray(np.round(values) if (finite == np.round(finite)).all() else values)
