"""Trees and forests of scikit-learn, which compare float32 numbers with float64 thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from modelyard.onnx.exact.linear import binary
from modelyard.onnx.exact.translation import Classes, Table, Translation, UntranslatableError, Wire


class Tree(Struct, frozen=True, kw_only=True):
    """One tree as arrays over its nodes; the root is node 0, and a leaf has no children (-1).

    Parameters
    ----------
    feature, threshold, left, right
        A row goes left if its feature is at most the threshold.
    missing_left
        Where a row goes whose feature is missing.
    values
        What a leaf adds to the targets, shape (n_nodes, n_targets); NaN where it adds nothing.
    strict
        Go left only below the threshold.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    values: np.ndarray
    strict: bool = False


def grow(t: Translation, x: Wire, trees: Sequence[Tree]) -> Wire:
    """Add up the leaves of all trees in float64; `x` is float64, the result has the shape (n_rows, n_targets)."""
    sizes = [len(tree.left) for tree in trees]
    inner = np.concatenate([tree.left != -1 for tree in trees])
    targets = trees[0].values.shape[1]
    leaves = [_leaves(number, tree) for number, tree in enumerate(trees)]
    ids, nodes, target, weight = (np.concatenate(part) for part in zip(*leaves, strict=True))
    less = "BRANCH_LT" if trees[0].strict else "BRANCH_LEQ"

    def joined(name: str) -> np.ndarray:
        return np.where(inner, np.concatenate([getattr(tree, name) for tree in trees]), 0)

    summed = t.op(
        "TreeEnsembleRegressor",
        x,
        domain="ai.onnx.ml",
        n_targets=targets,
        nodes_treeids=np.repeat(np.arange(len(trees)), sizes).tolist(),
        nodes_nodeids=np.concatenate([np.arange(size) for size in sizes]).tolist(),
        nodes_featureids=joined("feature").astype(int).tolist(),
        nodes_values_as_tensor=_tensor(joined("threshold").astype(np.float64)),
        nodes_modes=[less if is_inner else "LEAF" for is_inner in inner],
        nodes_truenodeids=joined("left").astype(int).tolist(),
        nodes_falsenodeids=joined("right").astype(int).tolist(),
        nodes_missing_value_tracks_true=joined("missing_left").astype(int).tolist(),
        target_treeids=ids.tolist(),
        target_nodeids=nodes.tolist(),
        target_ids=target.tolist(),
        target_weights_as_tensor=_tensor(weight.astype(np.float64)),
    )
    return t.cast(summed, np.float64)


def single(t: Translation, table: Table) -> Wire:
    """Round to float32, as trees do, and go on in float64."""
    return t.cast(t.cast(t.numbers(table), np.float32), np.float64)


def tree_of(fitted: Any, values: np.ndarray) -> Tree:
    """Read a tree of scikit-learn."""
    tree = fitted.tree_
    missing = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count))
    return Tree(
        feature=tree.feature,
        threshold=tree.threshold,
        left=tree.children_left,
        right=tree.children_right,
        missing_left=np.asarray(missing),
        values=values,
    )


def trees_with(estimators: Sequence[Any], factor: float = 1.0) -> list[Tree]:
    """Read trees whose leaves give means, and multiply these by `factor`."""
    return [tree_of(e, e.tree_.value.reshape(e.tree_.node_count, -1) * factor) for e in estimators]


def shares(fitted: Any) -> np.ndarray:
    """Give the share of each class in each node."""
    value = fitted.tree_.value
    if value.shape[1] != 1:
        raise UntranslatableError("trees that classify several outputs")
    value = value[:, 0, :]
    total = value.sum(axis=1, keepdims=True)
    return np.asarray(value / np.where(total == 0, 1.0, total))


def average(t: Translation, x: Wire, estimators: Sequence[Any]) -> Wire:
    """Average the shares of the classes over trees."""
    summed = grow(t, x, [tree_of(e, shares(e)) for e in estimators])
    return summed if len(estimators) == 1 else t.op("Div", summed, t.constant(float(len(estimators))))


def forest_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Average the trees' probabilities."""
    estimators = e.estimators_ if hasattr(e, "estimators_") else [e]
    probabilities = average(t, single(t, table), estimators)
    return Classes(winner=t.winner(probabilities), probabilities=probabilities)


def forest_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """Average the trees."""
    estimators = e.estimators_ if hasattr(e, "estimators_") else [e]
    summed = grow(t, single(t, table), trees_with(estimators))
    return summed if len(estimators) == 1 else t.op("Div", summed, t.constant(float(len(estimators))))


def boosted(t: Translation, e: Any, table: Table) -> Wire:
    """Start from the initial estimator, and add the stages."""
    x, stages = single(t, table), e.estimators_
    width = stages.shape[1]
    trees = []
    for row in stages:
        for k, fitted in enumerate(row):
            values = np.full((fitted.tree_.node_count, width), np.nan)
            values[:, k] = fitted.tree_.value[:, 0, 0] * e.learning_rate
            trees.append(tree_of(fitted, values))
    return t.op("Add", grow(t, x, trees), _start(e, t))


def _start(e: Any, t: Translation) -> Wire:
    """Read what boosting starts from; it is constant unless the user gave another initial estimator."""
    if e.init_ != "zero" and not type(e.init_).__name__.startswith("Dummy"):
        raise UntranslatableError("boosting from another estimator")
    probe = np.zeros((1, e.n_features_in_), dtype=np.float32)
    return t.constant(e._raw_predict_init(probe))  # noqa: SLF001


def boosted_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """Gradient boosting."""
    return boosted(t, e, table)


def boosted_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Gradient boosting: sigmoid of one score, softmax of several."""
    raw, width = boosted(t, e, table), e.estimators_.shape[1]
    if e.loss == "exponential":
        probabilities = binary(t, t.op("Sigmoid", t.op("Mul", raw, t.constant(2.0))))
    elif width == 1:
        probabilities = binary(t, t.op("Sigmoid", raw))
    else:
        return Classes(winner=t.winner(raw), probabilities=t.op("Softmax", raw, axis=1))
    at_least = t.op("GreaterOrEqual", raw, t.constant(0.0))
    return Classes(winner=t.flat(t.cast(at_least, np.int64)), probabilities=probabilities)


def adaboost_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Weigh the votes of the stages; the probabilities are the softmax of the scores."""
    count, weights = len(e.classes_), e.estimator_weights_
    votes = []
    for estimator, weight in zip(e.estimators_, weights, strict=False):
        won = t.classify(estimator, table).winner
        own = np.searchsorted(e.classes_, estimator.classes_)
        table_of_votes = np.full((len(own), count), -weight / (count - 1))
        table_of_votes[np.arange(len(own)), own] = weight
        votes.append(t.op("Gather", t.constant(table_of_votes), won, axis=0))
    total = t.op("Sum", *votes) if len(votes) > 1 else votes[0]
    scores = t.op("Div", total, t.constant(weights.sum()))
    if count == 2:
        signs = t.op("MatMul", scores, t.constant([[-1.0], [1.0]]))
        halves = t.op("Concat", t.op("Mul", signs, t.constant(-0.5)), t.op("Mul", signs, t.constant(0.5)), axis=1)
        winner = t.flat(t.cast(t.op("Greater", signs, t.constant(0.0)), np.int64))
        return Classes(winner=winner, probabilities=t.op("Softmax", halves, axis=1))
    spread = t.op("Div", scores, t.constant(float(count - 1)))
    return Classes(winner=t.winner(scores), probabilities=t.op("Softmax", spread, axis=1))


def adaboost_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """Take the weighted median of the stages."""
    found = t.op("Concat", *(t.regress(estimator, table) for estimator in e.estimators_), axis=1)
    count = len(e.estimators_)
    ascending, order = t.ops("TopK", 2, found, t.integers(count), axis=1, largest=0)
    weights = t.op("Gather", t.constant(e.estimator_weights_[:count]), order)
    sums = t.op("CumSum", weights, t.constant(1, np.int64))
    half = t.constant(0.5 * e.estimator_weights_[:count].sum())
    reached = t.cast(t.op("GreaterOrEqual", sums, half), np.float64)
    first = t.op("ArgMax", reached, axis=1, keepdims=1)
    return t.op("GatherElements", ascending, first, axis=1)


def isolation_forest(t: Translation, e: Any, table: Table) -> tuple[Wire, ...]:
    """Turn the mean depth at which a row is alone into a score."""
    from sklearn.ensemble._iforest import _average_path_length

    x, trees = single(t, table), []
    for fitted, features in zip(e.estimators_, e.estimators_features_, strict=True):
        tree = fitted.tree_
        depth = _depths(tree) + _average_path_length(tree.n_node_samples) - 1.0
        made = tree_of(fitted, depth.reshape(-1, 1))
        chosen = np.where(made.left != -1, np.asarray(features)[np.maximum(made.feature, 0)], 0)
        trees.append(_with_feature(made, chosen))
    longest = len(trees) * _average_path_length([e._max_samples])  # noqa: SLF001
    share = t.op("Div", grow(t, x, trees), t.constant(longest))
    score = t.op("Sub", t.op("Neg", t.op("Pow", t.constant(2.0), t.op("Neg", share))), t.constant(e.offset_))
    inlier = t.op("GreaterOrEqual", score, t.constant(0.0))
    label = t.op("Where", inlier, t.constant(1, np.int64), t.constant(-1, np.int64))
    return t.flat(label), t.flat(score)


def bagged(t: Translation, e: Any, table: Table) -> list[tuple[Any, Table]]:
    """Give each estimator of a bag the columns it was fitted on."""
    columns = e.estimators_features_
    return [(f, t.columns(table, list(c))) for f, c in zip(e.estimators_, columns, strict=True)]


def bagging_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Average the probabilities of the bag."""
    parts = []
    for fitted, columns in bagged(t, e, table):
        found, own = t.classify(fitted, columns), np.asarray(fitted.classes_, dtype=int)
        parts.append(t.op("MatMul", found.sure, t.constant(np.eye(len(e.classes_))[own])))
    mean = t.mean(parts)
    return Classes(winner=t.winner(mean), probabilities=mean)


def bagging_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """Average the bag."""
    return t.mean([t.regress(fitted, columns) for fitted, columns in bagged(t, e, table)])


def _leaves(number: int, tree: Tree) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    leaf = np.repeat(tree.left == -1, tree.values.shape[1]).reshape(tree.values.shape)
    nodes, targets = np.nonzero(leaf & ~np.isnan(tree.values))
    return np.full(len(nodes), number), nodes, targets, tree.values[nodes, targets]


def _tensor(values: np.ndarray) -> Any:
    from modelyard.onnx.graph import load_onnx

    return load_onnx().numpy_helper.from_array(values)


def _depths(tree: Any) -> np.ndarray:
    """Count the nodes from the root to each node, both included."""
    depth = np.ones(tree.node_count)
    for node in range(tree.node_count):  # children come after their parents
        for child in (tree.children_left[node], tree.children_right[node]):
            if child != -1:
                depth[child] = depth[node] + 1
    return depth


def _with_feature(tree: Tree, feature: np.ndarray) -> Tree:
    return Tree(
        feature=feature,
        threshold=tree.threshold,
        left=tree.left,
        right=tree.right,
        missing_left=tree.missing_left,
        values=tree.values,
    )


CLASSIFY = {
    **dict.fromkeys(
        ["DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier"],
        forest_classifier,
    ),
    "GradientBoostingClassifier": boosted_classifier,
    "AdaBoostClassifier": adaboost_classifier,
    "BaggingClassifier": bagging_classifier,
}
REGRESS = {
    **dict.fromkeys(
        ["DecisionTreeRegressor", "ExtraTreeRegressor", "RandomForestRegressor", "ExtraTreesRegressor"],
        forest_regressor,
    ),
    "GradientBoostingRegressor": boosted_regressor,
    "AdaBoostRegressor": adaboost_regressor,
    "BaggingRegressor": bagging_regressor,
}
DETECT = {"IsolationForest": isolation_forest}
