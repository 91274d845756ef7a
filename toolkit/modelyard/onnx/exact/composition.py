"""Estimators made of estimators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from modelyard.onnx.exact.linear import binary, normalized
from modelyard.onnx.exact.translation import Classes, Piece, Table, Translation, UntranslatableError, Wire


def last_step(task: str) -> Callable[[Translation, Any, Table], Any]:
    """Make the translator of a pipeline that ends in an estimator for `task`."""

    def pipeline(t: Translation, e: Any, table: Table) -> Any:
        for _, step in e.steps[:-1]:
            table = table if step is None else t.transform(step, table)
        return _do(t, task, e.steps[-1][1], table)

    return pipeline


def best(task: str) -> Callable[[Translation, Any, Table], Any]:
    """Make the translator of a search that found an estimator for `task`."""
    return lambda t, e, table: _do(t, task, e.best_estimator_, table)


def _do(t: Translation, task: str, estimator: Any, table: Table) -> Any:
    if task == "transform":
        return t.transform(estimator, table)
    if task in {"classify", "regress"}:
        return t.classify(estimator, table) if task == "classify" else t.regress(estimator, table)
    return t.other(task, estimator, table)


def by_columns(t: Translation, e: Any, table: Table) -> Table:
    """Transform groups of columns, and put the results side by side."""
    pieces: list[Piece] = []
    for name, transformer, _ in e.transformers_:
        chosen = [int(i) for i in e._transformer_to_input_indices.get(name, ())]  # noqa: SLF001
        if chosen and not (isinstance(transformer, str) and transformer == "drop"):
            made = t.transform(transformer, t.columns(table, chosen))
            pieces += _weighted(t, made, (e.transformer_weights or {}).get(name))
    return Table(pieces=tuple(pieces))


def union(t: Translation, e: Any, table: Table) -> Table:
    """Put the results of several transformers side by side."""
    pieces: list[Piece] = []
    for name, transformer in e.transformer_list:
        if transformer != "drop":
            pieces += _weighted(t, t.transform(transformer, table), (e.transformer_weights or {}).get(name))
    return Table(pieces=tuple(pieces))


def _weighted(t: Translation, table: Table, weight: float | None) -> tuple[Piece, ...]:
    if weight is None:
        return table.pieces
    product = t.op("Mul", t.numbers(table), t.constant(float(weight)))
    return (Piece(wire=product, width=table.width),)


def voting_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Average the probabilities, or count the votes."""
    weights = e._weights_not_none or [1.0] * len(e.estimators_)  # noqa: SLF001
    found = [t.classify(fitted, table) for fitted in e.estimators_]
    if e.voting == "soft":
        parts = [t.op("Mul", c.sure, t.constant(float(w))) for c, w in zip(found, weights, strict=True)]
        mean = t.op("Div", t.op("Sum", *parts), t.constant(float(sum(weights))))
        return Classes(winner=t.winner(mean), probabilities=mean)
    votes = [
        t.op("Gather", t.constant(np.eye(len(e.classes_)) * w), c.winner, axis=0)
        for c, w in zip(found, weights, strict=True)
    ]
    return Classes(winner=t.winner(t.op("Sum", *votes)))


def voting_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """Average the estimators."""
    weights = e._weights_not_none or [1.0] * len(e.estimators_)  # noqa: SLF001
    found = [t.regress(fitted, table) for fitted in e.estimators_]
    parts = [t.op("Mul", wire, t.constant(float(w))) for wire, w in zip(found, weights, strict=True)]
    return t.op("Div", t.op("Sum", *parts), t.constant(float(sum(weights))))


def _stacked(t: Translation, e: Any, table: Table) -> Table:
    """Put what the estimators give side by side, for the final one."""
    pieces = [_layer(t, m, fitted, table) for m, fitted in zip(e.stack_method_, e.estimators_, strict=True)]
    return Table(pieces=(*pieces, *(table.pieces if e.passthrough else ())))


def _layer(t: Translation, method: str, fitted: Any, table: Table) -> Piece:
    count = len(getattr(fitted, "classes_", ()))
    if method == "predict_proba":
        wire = t.classify(fitted, table).sure
        if count == 2:  # the first column says nothing that the second does not
            return Piece(wire=t.op("Gather", wire, t.integers(1), axis=1), width=1)
        return Piece(wire=wire, width=count)
    if method == "decision_function":
        scores = t.classify(fitted, table).scores
        if scores is None:
            raise UntranslatableError("stacking on scores")
        return Piece(wire=t.column(scores) if count == 2 else scores, width=1 if count == 2 else count)
    if count:
        raise UntranslatableError("stacking on labels")
    return Piece(wire=t.regress(fitted, table), width=1)


def stacking_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Classify by what others say."""
    return t.classify(e.final_estimator_, _stacked(t, e, table))


def stacking_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """Regress on what others say."""
    return t.regress(e.final_estimator_, _stacked(t, e, table))


def calibrated(t: Translation, e: Any, table: Table) -> Classes:
    """Average the calibrated classifiers."""
    count, parts = len(e.classes_), []
    for member in e.calibrated_classifiers_:
        found = t.classify(member.estimator, table)
        parts.append(_calibrated_member(t, member, found, count))
    mean = t.mean(parts)
    return Classes(winner=t.winner(mean), probabilities=mean)


def _calibrated_member(t: Translation, member: Any, found: Classes, count: int) -> Wire:
    known = len(member.estimator.classes_)
    if known != count:
        raise UntranslatableError("calibration where a fold lacks a class")
    if found.scores is not None and hasattr(member.estimator, "decision_function"):
        values = t.column(found.scores) if count == 2 else found.scores
    else:
        values = t.op("Gather", found.sure, t.integers(1), axis=1) if count == 2 else found.sure
    columns = [values] if count == 2 else [t.op("Gather", values, t.integers(k), axis=1) for k in range(count)]
    made = [_calibration(t, c, column) for c, column in zip(member.calibrators, columns, strict=True)]
    if count == 2:
        return binary(t, made[0])
    return normalized(t, t.op("Concat", *made, axis=1))


def _calibration(t: Translation, calibrator: Any, x: Wire) -> Wire:
    if hasattr(calibrator, "a_"):
        slope, offset = t.constant(-float(calibrator.a_)), t.constant(float(calibrator.b_))
        return t.op("Sigmoid", t.op("Sub", t.op("Mul", x, slope), offset))
    return interpolated(t, x, calibrator.X_thresholds_, calibrator.y_thresholds_)


def interpolated(t: Translation, x: Wire, xs: np.ndarray, ys: np.ndarray) -> Wire:
    """Interpolate linearly between points, flat outside; `x` has one column."""
    if len(xs) == 1:
        return t.op("Add", t.op("Mul", x, t.constant(0.0)), t.constant(float(ys[0])))
    inside = t.op("Clip", x, t.constant(float(xs[0])), t.constant(float(xs[-1])))
    passed = t.cast(t.op("Greater", inside, t.constant(np.asarray(xs[1:-1], dtype=float).reshape(1, -1))), np.int64)
    place = t.total(passed)
    left, bottom = (t.op("Gather", t.constant(v[:-1]), place) for v in (xs, ys))
    slope = t.op("Gather", t.constant(np.diff(ys) / np.diff(xs)), place)
    return t.op("Add", bottom, t.op("Mul", t.op("Sub", inside, left), slope))


def one_against_rest(t: Translation, e: Any, table: Table) -> Classes:
    """Take the class whose own classifier is surest."""
    if len(e.estimators_) == 1 or e.multilabel_:
        raise UntranslatableError("one against the rest with two classes or several labels")
    found = [t.classify(fitted, table) for fitted in e.estimators_]
    if all(hasattr(f, "decision_function") and c.scores is not None for f, c in zip(e.estimators_, found, strict=True)):
        scores = t.op("Concat", *(t.column(c.scores or "") for c in found), axis=1)
    else:
        scores = None
    sure = None
    if all(hasattr(f, "predict_proba") for f in e.estimators_):
        each = t.op("Concat", *(t.op("Gather", c.sure, t.integers(1), axis=1) for c in found), axis=1)
        sure = normalized(t, each)
        scores = scores or each
    if scores is None:
        raise UntranslatableError("one against the rest without scores")
    return Classes(winner=t.winner(scores), scores=scores, probabilities=sure)


def several_regressors(t: Translation, e: Any, table: Table) -> Wire:
    """One regressor for each target."""
    return t.op("Concat", *(t.regress(fitted, table) for fitted in e.estimators_), axis=1)


def other_target(t: Translation, e: Any, table: Table) -> Wire:
    """Regress on a transformed target, and turn it back."""
    found = t.regress(e.regressor_, table)
    inverse = {np.exp: "Exp", np.expm1: "Exp"}
    if e.transformer is None and e.inverse_func in inverse:
        made = t.op("Exp", found)
        return made if e.inverse_func is np.exp else t.op("Sub", made, t.constant(1.0))
    if type(e.transformer_).__name__ == "StandardScaler":
        scaled = t.op("Mul", found, t.constant(e.transformer_.scale_))
        return t.op("Add", scaled, t.constant(e.transformer_.mean_))
    raise UntranslatableError("a target that is transformed otherwise")


TASKS = ("transform", "classify", "regress", "cluster", "detect")
_SEARCHES = ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")
EVERYWHERE = {task: {"Pipeline": last_step(task), **dict.fromkeys(_SEARCHES, best(task))} for task in TASKS}
TRANSFORM = {"ColumnTransformer": by_columns, "FeatureUnion": union}
CLASSIFY = {
    "VotingClassifier": voting_classifier,
    "StackingClassifier": stacking_classifier,
    "CalibratedClassifierCV": calibrated,
    "OneVsRestClassifier": one_against_rest,
}
REGRESS = {
    "VotingRegressor": voting_regressor,
    "StackingRegressor": stacking_regressor,
    "MultiOutputRegressor": several_regressors,
    "TransformedTargetRegressor": other_target,
}
