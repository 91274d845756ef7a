"""Boosting over histograms: scikit-learn's, LightGBM's and XGBoost's trees."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from modelyard.onnx.exact.linear import binary
from modelyard.onnx.exact.translation import Classes, Table, Translation, UntranslatableError, Wire
from modelyard.onnx.exact.trees import Tree, grow, single

_EXPONENTIAL = {"poisson", "gamma", "tweedie", "count:poisson", "reg:gamma", "reg:tweedie"}
_IDENTITY = {
    *("squared_error", "absolute_error", "quantile"),
    *("regression", "regression_l1", "huber", "fair", "quantile", "mape"),
    *("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror"),
}


def histogram_raw(t: Translation, e: Any, table: Table) -> Wire:
    """Start from the baseline, and add the trees of scikit-learn's histogram boosting."""
    if e.is_categorical_ is not None and np.any(e.is_categorical_):
        raise UntranslatableError("histogram boosting with categorical features")
    width, trees = e.n_trees_per_iteration_, []
    for iteration in e._predictors:  # noqa: SLF001
        for k, predictor in enumerate(iteration):
            nodes = predictor.nodes
            leaf = nodes["is_leaf"].astype(bool)
            values = np.full((len(nodes), width), np.nan)
            values[:, k] = nodes["value"]
            trees.append(
                Tree(
                    feature=nodes["feature_idx"].astype(int),
                    threshold=nodes["num_threshold"],
                    left=np.where(leaf, -1, nodes["left"].astype(int)),
                    right=np.where(leaf, -1, nodes["right"].astype(int)),
                    missing_left=nodes["missing_go_to_left"],
                    values=values,
                )
            )
    baseline = t.constant(np.reshape(e._baseline_prediction, (1, width)))  # noqa: SLF001
    return t.op("Add", grow(t, t.numbers(table), trees), baseline)


def histogram_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """Histogram boosting with the link of its loss."""
    return linked(t, histogram_raw(t, e, table), e.loss)


def histogram_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Histogram boosting: sigmoid of one score, softmax of several."""
    return boosted_classes(t, histogram_raw(t, e, table), e.n_trees_per_iteration_)


def boosted_classes(t: Translation, raw: Wire, width: int, steepness: float = 1.0) -> Classes:
    """Make probabilities of raw scores, and take the most probable class."""
    if width == 1:
        steep = raw if steepness == 1.0 else t.op("Mul", raw, t.constant(steepness))
        positive = t.flat(t.cast(t.op("Greater", raw, t.constant(0.0)), np.int64))
        return Classes(winner=positive, probabilities=binary(t, t.op("Sigmoid", steep)))
    return Classes(winner=t.winner(raw), probabilities=t.op("Softmax", raw, axis=1))


def linked(t: Translation, raw: Wire, objective: str) -> Wire:
    """Apply the inverse link of an objective."""
    if objective in _EXPONENTIAL:
        return t.op("Exp", raw)
    if objective in _IDENTITY:
        return raw
    raise UntranslatableError(f"the objective {objective}")


def lightgbm_raw(t: Translation, e: Any, table: Table) -> tuple[Wire, str, int]:
    """Add LightGBM's trees; tell the objective, and the number of scores."""
    model = e.booster_.dump_model(num_iteration=e.best_iteration_ or None)
    objective, width = str(model.get("objective", "custom")), model["num_tree_per_iteration"]
    trees = [_lightgbm_tree(tree["tree_structure"], i % width, width) for i, tree in enumerate(model["tree_info"])]
    raw = grow(t, t.numbers(table), trees)
    if model.get("average_output"):
        raw = t.op("Div", raw, t.constant(len(trees) / width))
    return raw, objective, width


def lightgbm_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """LightGBM with the link of its objective."""
    raw, objective, _ = lightgbm_raw(t, e, table)
    return linked(t, raw, objective.split()[0] if "sqrt" not in objective else objective)


def lightgbm_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """LightGBM for two classes or several."""
    raw, objective, width = lightgbm_raw(t, e, table)
    name, *settings = objective.split()
    if name not in {"binary", "multiclass"}:
        raise UntranslatableError(f"the objective {objective}")
    steepness = next((float(s.partition(":")[2]) for s in settings if s.startswith("sigmoid:")), 1.0)
    return boosted_classes(t, raw, width, steepness)


def xgboost_raw(t: Translation, e: Any, table: Table) -> tuple[Wire, str, int]:
    """Add XGBoost's trees, which compare float32 with float32; tell the objective, and the number of scores."""
    booster = e.get_booster()
    learner = json.loads(booster.save_raw("json"))["learner"]
    if learner["gradient_booster"]["name"] != "gbtree":
        raise UntranslatableError(f"the booster {learner['gradient_booster']['name']}")
    model, objective = learner["gradient_booster"]["model"], learner["objective"]["name"]
    width = max(1, int(learner["learner_model_param"]["num_class"]))
    groups = model["tree_info"]
    used = _xgboost_rounds(booster) * width * int(model["gbtree_model_param"]["num_parallel_tree"])
    trees = [_xgboost_tree(tree, groups[i], width) for i, tree in enumerate(model["trees"][:used])]
    start = np.array(json.loads(learner["learner_model_param"]["base_score"]), dtype=np.float32).reshape(1, -1)
    if objective in {"binary:logistic", "reg:logistic"}:
        start = np.log(start / (1 - start))
    elif objective in _EXPONENTIAL:
        start = np.log(start)
    return t.op("Add", grow(t, single(t, table), trees), t.constant(start)), objective, width


def xgboost_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """XGBoost with the link of its objective."""
    raw, objective, _ = xgboost_raw(t, e, table)
    return linked(t, raw, objective)


def xgboost_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """XGBoost for two classes or several."""
    raw, objective, width = xgboost_raw(t, e, table)
    if objective not in {"binary:logistic", "multi:softprob", "multi:softmax"}:
        raise UntranslatableError(f"the objective {objective}")
    return boosted_classes(t, raw, width)


def _lightgbm_tree(root: dict[str, Any], target: int, width: int) -> Tree:
    """Hold a tree as arrays, its nodes numbered from the root."""
    nodes, children = [root], []
    for node in nodes:  # grows while it is walked
        inner = "split_feature" in node
        children.append((len(nodes), len(nodes) + 1) if inner else (-1, -1))
        nodes.extend([node["left_child"], node["right_child"]] if inner else [])
    splits = ["split_feature" in node and _plain_split(node) for node in nodes]
    both = list(zip(nodes, splits, strict=True))
    values = np.full((len(nodes), width), np.nan)
    values[:, target] = [np.nan if split else node["leaf_value"] for node, split in both]
    left, right = np.array(children).T
    return Tree(
        feature=np.array([node["split_feature"] if split else 0 for node, split in both]),
        threshold=np.array([float(node["threshold"]) if split else 0.0 for node, split in both]),
        left=left,
        right=right,
        missing_left=np.array([split and _lightgbm_missing_left(node) for node, split in both]),
        values=values,
    )


def _plain_split(node: dict[str, Any]) -> bool:
    if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
        raise UntranslatableError("LightGBM with categorical features, or with zero as missing")
    return True


def _lightgbm_missing_left(node: dict[str, Any]) -> bool:
    if node["missing_type"] == "None":  # a missing number counts as zero
        return bool(float(node["threshold"]) >= 0.0)
    return bool(node["default_left"])


def _xgboost_rounds(booster: Any) -> int:
    best = booster.attr("best_iteration")
    return int(best) + 1 if best is not None else int(booster.num_boosted_rounds())


def _xgboost_tree(tree: dict[str, Any], target: int, width: int) -> Tree:
    if tree.get("categories_nodes"):
        raise UntranslatableError("XGBoost with categorical features")
    left = np.array(tree["left_children"])
    conditions = np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64)
    values = np.full((len(left), width), np.nan)
    values[:, target] = conditions  # a leaf keeps its value where other nodes keep their threshold
    return Tree(
        feature=np.array(tree["split_indices"]),
        threshold=conditions,
        left=left,
        right=np.array(tree["right_children"]),
        missing_left=np.array(tree["default_left"]),
        values=values,
        strict=True,
    )


CLASSIFY = {
    "HistGradientBoostingClassifier": histogram_classifier,
    "LGBMClassifier": lightgbm_classifier,
    "XGBClassifier": xgboost_classifier,
    "XGBRFClassifier": xgboost_classifier,
}
REGRESS = {
    "HistGradientBoostingRegressor": histogram_regressor,
    "LGBMRegressor": lightgbm_regressor,
    "XGBRegressor": xgboost_regressor,
    "XGBRFRegressor": xgboost_regressor,
}
