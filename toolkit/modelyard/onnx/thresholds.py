"""Rows that lie on the split thresholds of trees, and one step beside them.

The thresholds are read from the fitted trees. Where steps of a pipeline come before the trees, the value of a raw
column that meets a threshold is found by bisection through these steps: no formula of theirs is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from msgspec import Struct

from modelyard.onnx.original import Original, dense
from modelyard.onnx.rows import Rows

MOST_THRESHOLDS = 120
MOST_PAIRS = 100


class Split(Struct, frozen=True):
    """One comparison in a tree: the feature's number, the value it is compared with, and whether as float32."""

    feature: int
    threshold: float
    single: bool = True

    def met(self, value: float) -> bool:
        """Tell whether the value is at most the threshold."""
        return bool((np.float32(value) if self.single else value) <= self.threshold)


def threshold_rows(original: Original, sample: Rows) -> Iterator[tuple[str, Rows]]:
    """Give rows of the sample with one value moved onto a threshold, and one step to each side.

    Of the kind ``prepared thresholds``, the second half of the rows is one float64 step from the first, and between
    them the prepared feature passes a threshold.
    """
    prepare, estimator = _last_step(original.estimator)
    splits = _spread_out(splits_of(estimator))
    if not sample.numeric() or not splits:
        return
    if prepare is None:
        yield from (("thresholds", rows) for rows in _direct(sample, splits))
        return
    rows, columns, low, high = _met(sample, splits, prepare)
    for step in (-1, 1):
        for values in (low, high):
            moved = values + step * np.spacing(np.abs(values.astype(np.float32)))
            yield "thresholds", _put(rows, columns, moved)
    yield from (("prepared thresholds", _put(rows, columns, values)) for values in (low, high))


def compares_inputs(estimator: Any) -> bool:
    """Tell whether an estimator compares its inputs as they are: then the place of each jump is exact."""
    prepare, last = _last_step(estimator)
    bare = prepare is None and not any(hasattr(last, name) for name in _CALCULATING)
    return bare and bool(splits_of(last))


def splits_of(estimator: Any) -> list[Split]:
    """Read every split of an estimator made of trees; of others there are none."""
    found: dict[Split, None] = {}
    for part in parts(estimator):
        for reader in _READERS:
            found.update(dict.fromkeys(reader(part)))
    return [s for s in found if np.isfinite(s.threshold)]


def parts(estimator: Any, depth: int = 0) -> Iterator[Any]:
    """Walk an estimator and the fitted ones inside it."""
    yield estimator
    if depth > 4:
        return
    for value in vars(estimator).values() if hasattr(estimator, "__dict__") else ():
        for item in _flat(value):
            if hasattr(item, "get_params") or hasattr(item, "nodes"):
                yield from parts(item, depth + 1)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.ravel().tolist()
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _tree_splits(part: Any) -> Iterator[Split]:
    tree: Any = getattr(part, "tree_", None)
    if hasattr(tree, "threshold"):
        inner = tree.children_left != tree.children_right
        yield from map(Split, tree.feature[inner].tolist(), tree.threshold[inner].tolist())


def _histogram_splits(part: Any) -> Iterator[Split]:
    nodes = getattr(part, "nodes", None)
    if isinstance(nodes, np.ndarray) and nodes.dtype.names and "num_threshold" in nodes.dtype.names:
        inner = nodes[(nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)]
        yield from (Split(int(n["feature_idx"]), float(n["num_threshold"]), single=False) for n in inner)


def _lightgbm_splits(part: Any) -> Iterator[Split]:
    if not type(part).__module__.startswith("lightgbm") or not hasattr(part, "booster_"):
        return
    waiting = [tree["tree_structure"] for tree in part.booster_.dump_model()["tree_info"]]
    while waiting:
        node = waiting.pop()
        if "split_feature" in node:
            waiting += [node["left_child"], node["right_child"]]
            if node["decision_type"] == "<=":
                yield Split(node["split_feature"], float(node["threshold"]), single=False)


def _xgboost_splits(part: Any) -> Iterator[Split]:
    if not type(part).__module__.startswith("xgboost") or not hasattr(part, "get_booster"):
        return
    import json

    model = json.loads(part.get_booster().save_raw("json"))["learner"]["gradient_booster"]
    for tree in model.get("model", {}).get("trees", []):
        for left, feature, value in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True
        ):
            if left != -1:
                yield Split(feature, float(np.float32(value)))


_CALCULATING = ("calibrated_classifiers_", "final_estimator_", "named_estimators_", "best_estimator_")
_READERS: tuple[Callable[[Any], Iterator[Split]], ...] = (
    _tree_splits,
    _histogram_splits,
    _lightgbm_splits,
    _xgboost_splits,
)


def _last_step(estimator: Any) -> tuple[Callable[[Rows], np.ndarray] | None, Any]:
    """Split a pipeline into what prepares the features and the estimator proper."""
    if not hasattr(estimator, "steps") or len(estimator.steps) < 2:
        return None, estimator
    before = estimator[:-1]

    def prepare(rows: Rows) -> np.ndarray:
        return dense(before.transform(rows.native())).astype(np.float64)

    return prepare, estimator.steps[-1][1]


def _spread_out(splits: list[Split]) -> list[Split]:
    if len(splits) <= MOST_THRESHOLDS:
        return splits
    return [splits[i] for i in np.linspace(0, len(splits) - 1, MOST_THRESHOLDS).astype(int)]


def beside(value: float) -> np.ndarray:
    """Give a value, and its neighbours in float64 and in float32."""
    single = np.float32(value)
    with np.errstate(all="ignore"):
        near = [np.nextafter(single, np.float32(side)) for side in (-np.inf, np.inf)]
        half = [(float(n) + float(single)) / 2 for n in near]  # where rounding to float32 turns
        steps = [np.nextafter(h, side) for h in half for side in (-np.inf, np.inf)]
    doubles = [np.nextafter(value, -np.inf), np.nextafter(value, np.inf)]
    found = np.array([value, single, *near, *half, *steps, *doubles], dtype=np.float64)
    return found[np.isfinite(found)]


def _direct(sample: Rows, splits: list[Split]) -> Iterator[Rows]:
    numeric = sample.numeric()
    for k, split in enumerate(splits):
        if split.feature in numeric:
            values = beside(split.threshold)
            rows = sample.take(np.full(len(values), k % len(sample)))
            yield rows.replace({split.feature: values})


def _met(
    sample: Rows, splits: list[Split], prepare: Callable[[Rows], np.ndarray]
) -> tuple[Rows, np.ndarray, np.ndarray, np.ndarray]:
    """Bisect a raw column of each row until the prepared feature meets a threshold: rows, columns, both sides."""
    numeric = sample.numeric()
    moved = _moved_by(sample, numeric, prepare)
    pairs = [(s, i) for s in splits for i in numeric if moved[i][min(s.feature, len(moved[i]) - 1)]]
    pairs = pairs[:: 1 + len(pairs) // MOST_PAIRS]
    columns = np.array([i for _, i in pairs], dtype=int)
    rows = sample.take(np.arange(len(pairs)) % len(sample))
    low, high = (np.array([_edge(sample.columns[i], side) for i in columns]) for side in (-1, 1))
    below = _meets(rows, columns, low, (prepare, pairs))
    for _ in range(70):
        middle = low / 2 + high / 2
        same = _meets(rows, columns, middle, (prepare, pairs)) == below
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return rows, columns, low, high


def _meets(rows: Rows, columns: np.ndarray, values: np.ndarray, how: tuple[Any, list[tuple[Split, int]]]) -> np.ndarray:
    """Tell where the prepared feature is at most the threshold."""
    prepare, pairs = how
    if not pairs:
        return np.zeros(0, dtype=bool)
    table = prepare(_put(rows, columns, values))
    return np.array([s.met(table[k, s.feature]) for k, (s, _) in enumerate(pairs)])


def _moved_by(sample: Rows, numeric: tuple[int, ...], prepare: Callable[[Rows], np.ndarray]) -> dict[int, np.ndarray]:
    """Tell which features each raw column moves."""
    base = sample.take(np.arange(min(len(sample), 8)))
    before = prepare(base)
    moved = {}
    for i in numeric:
        changed = base.replace({i: base.columns[i] + 3 * (np.nanstd(sample.columns[i].astype(np.float64)) or 1.0)})
        moved[i] = (prepare(changed) != before).any(axis=0)
    return moved


def _edge(column: np.ndarray, side: int) -> float:
    finite = column[np.isfinite(column)].astype(np.float64)
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 1.0)
    margin = (high - low) or 1.0
    return float(low - margin if side < 0 else high + margin)


def _put(rows: Rows, columns: np.ndarray, values: np.ndarray) -> Rows:
    """Put the k-th value into the k-th row, in the column of that row's turn."""
    changes = {}
    for i in np.unique(columns):
        column = rows.columns[i].astype(np.float64)
        column[columns == i] = values[columns == i]
        changes[int(i)] = column
    return rows.replace(changes)
