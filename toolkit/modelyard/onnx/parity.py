"""Comparison of an ONNX model with the estimator it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from modelyard.models.signature import Field
from modelyard.onnx.adversarial import PAIRS
from modelyard.onnx.certificate import Comparison, Difference, Tolerance
from modelyard.onnx.original import Answer, Original
from modelyard.onnx.rows import Rows
from modelyard.onnx.runtime import OnnxModel

NO_NUMBER = 2.0  # the difference where one answer is a number and the other is not; no other is larger


class Challenge(Struct, frozen=True, kw_only=True):
    """Rows of one kind, with the estimator's answers.

    Parameters
    ----------
    kind
        ``sample``, or what the rows are made to provoke.
    rows
        All of them.
    answered
        Which rows the estimator answers.
    answer
        The answers to these.
    others
        Other answers to these that the estimator has too.
    """

    kind: str
    rows: Rows
    answered: np.ndarray
    answer: Answer
    others: tuple[Answer, ...] = ()

    @classmethod
    def ask(cls, original: Original, kind: str, rows: Rows, twins: Sequence[Original] = ()) -> Challenge:
        """Have the estimator answer `rows`, and its twins those that it answers."""
        answer, answered = original.answer(rows)
        others = [twin.answer(rows.take(answered)) for twin in twins] if answered.any() else []
        complete = tuple(other for other, found in others if found.all())
        return cls(kind=kind, rows=rows, answered=answered, answer=answer, others=complete)


class Verdict(Struct, frozen=True, kw_only=True):
    """How a model compares over all challenges."""

    comparisons: tuple[Comparison, ...]
    largest: float
    percentile99: float
    worst: Difference | None

    @property
    def flips(self) -> int:
        """Labels that differ."""
        return sum(c.flips for c in self.comparisons)

    @property
    def ties(self) -> int:
        """Labels that differ where the estimator has them level."""
        return sum(c.ties for c in self.comparisons)

    @property
    def unanswered(self) -> int:
        """Rows that only the estimator answers."""
        return sum(c.unanswered for c in self.comparisons)

    def within(self, tolerance: Tolerance) -> bool:
        """Tell whether nothing is wrong."""
        return not self.flips and not self.unanswered and self.largest <= tolerance.difference


class Parity:
    """The measure: every answer of a model against the estimator's.

    Parameters
    ----------
    challenges
        The sample first.
    tolerance
        Up to where labels count as level.
    classes
        The labels in the order of the probabilities.
    edges
        Whether an answer on a jump may be the one on its other side.
    """

    def __init__(
        self, challenges: Sequence[Challenge], tolerance: Tolerance, classes: Any = None, *, edges: bool = False
    ) -> None:
        self.classes = classes
        self.edges = edges
        self.challenges = tuple(challenges)
        self.tolerance = tolerance
        self.scales = {name: usual_size(name, value) for name, value in challenges[0].answer.items()}

    def measure(self, model: OnnxModel, fields: Sequence[Field]) -> Verdict:
        """Run `model` on every challenge."""
        measured = [self._compare(challenge, model, fields) for challenge in self.challenges]
        differences = np.concatenate([d for _, d, _ in measured])
        worst = max((w for _, _, w in measured if w), key=lambda w: w.difference, default=None)
        return Verdict(
            comparisons=tuple(c for c, _, _ in measured),
            largest=float(differences.max(initial=0.0)),
            percentile99=percentile99(differences),
            worst=worst,
        )

    def _compare(
        self, challenge: Challenge, model: OnnxModel, fields: Sequence[Field]
    ) -> tuple[Comparison, np.ndarray, Difference | None]:
        got, ran = run_rows(model, challenge.rows, fields)
        both = ran & challenge.answered
        if not both.any():
            return _nothing_to_compare(challenge, ran), np.zeros(0), None
        expected = {name: value[both[challenge.answered]] for name, value in challenge.answer.items()}
        actual = {name: value[both[ran]] for name, value in got.items()}
        by_output, level = self._differences(expected, actual)
        edge = self._on_edge(by_output, self._others(challenge, expected, both), actual)
        by_output = {n: np.where(edge, 0.0, d) for n, d in by_output.items()}
        numbers = [d for n, d in by_output.items() if n != "label"]
        values = np.max(numbers, axis=0) if numbers else np.zeros(len(level))
        comparison = Comparison(
            kind=challenge.kind,
            rows=len(challenge.rows),
            refused=int((~challenge.answered).sum()),
            answered=int((ran & ~challenge.answered).sum()),
            unanswered=int((challenge.answered & ~ran).sum()),
            largest=float(values.max(initial=0.0)),
            percentile99=percentile99(values),
            flips=int((by_output["label"] > 0).sum()),
            ties=int((level & ~edge).sum()),
            edges=int(edge.sum()),
        )
        return comparison, values, _worst(challenge, np.flatnonzero(both), by_output, expected, actual)

    def _differences(self, expected: Answer, actual: Answer) -> tuple[Answer, np.ndarray]:
        """Give the differences by output, and tell which labels are level."""
        found = {n: differences(expected[n], actual[n], self.scales[n]) for n in expected if n != "label"}
        flipped = labels_differ(expected, actual)
        level = flipped & self._level(expected, actual)
        return {**found, "label": np.where(flipped & ~level, NO_NUMBER, 0.0)}, level

    def _others(self, challenge: Challenge, expected: Answer, both: np.ndarray) -> list[Answer]:
        """Collect the other answers that the estimator has: those of its twins, and of the other sides of jumps."""
        kept = both[challenge.answered]
        found = [{n: v[kept] for n, v in other.items()} for other in challenge.others]
        if self.edges and challenge.kind in PAIRS and both.all():
            found += [{n: np.roll(v, len(both) // 2, axis=0) for n, v in side.items()} for side in (expected, *found)]
        return found

    def _on_edge(self, own: Answer, others: Sequence[Answer], actual: Answer) -> np.ndarray:
        """Tell which rows have another of the estimator's answers, and not its own."""
        limit = self.tolerance.difference
        wrong = np.max(list(own.values()), axis=0) > limit
        same = np.zeros(len(wrong), dtype=bool)
        for other in others:
            found, _ = self._differences(other, actual)
            same |= np.max(list(found.values()), axis=0) <= limit
        return np.asarray(wrong & same)

    def _level(self, expected: Answer, actual: Answer) -> np.ndarray:
        """Tell in which rows the estimator itself has the model's label level with its own."""
        name = next((n for n in ("probabilities", "scores", "distances") if n in expected), None)
        if name is None or expected[name].ndim > 2:
            return np.zeros(len(next(iter(expected.values()))), dtype=bool)
        values = np.asarray(expected[name], dtype=np.float64).reshape(len(expected["label"]), -1)
        margin = self.tolerance.difference * float(np.max(self.scales[name]))
        if values.shape[1] == 1:
            return np.asarray(np.abs(values[:, 0]) <= margin)
        values = -values if name == "distances" else values
        chosen = self._column_of(actual["label"], values.shape[1])
        gap = values.max(axis=1) - values[np.arange(len(values)), chosen]
        return np.asarray((chosen >= 0) & (gap <= margin))

    def _column_of(self, labels: np.ndarray, width: int) -> np.ndarray:
        """Tell which column of the probabilities is that of each label; -1 where there is none."""
        classes = list(range(width)) if self.classes is None else np.asarray(self.classes).tolist()
        number = {label: i for i, label in enumerate(classes[:width])}
        plain = labels.tolist() if labels.ndim == 1 else [None] * len(labels)
        return np.array([number.get(label, -1) for label in plain])


def _nothing_to_compare(challenge: Challenge, ran: np.ndarray) -> Comparison:
    refused = ~challenge.answered
    return Comparison(
        kind=challenge.kind,
        rows=len(refused),
        refused=int(refused.sum()),
        answered=int((ran & refused).sum()),
        unanswered=int((challenge.answered & ~ran).sum()),
    )


def run_rows(model: OnnxModel, rows: Rows, fields: Sequence[Field]) -> tuple[Answer, np.ndarray]:
    """Run all rows at once, or one by one if that fails; tell which were answered."""
    ran = np.ones(len(rows), dtype=bool)
    try:
        return model.run(rows.feed(fields)), ran
    except Exception:  # noqa: BLE001 - onnxruntime raises its own kinds, one for each status
        parts = []
    for i in range(len(rows)):
        try:
            parts.append(model.run(rows.take(slice(i, i + 1)).feed(fields)))
        except Exception:  # noqa: BLE001
            ran[i] = False
    empty = {name: np.zeros((0,)) for name in model.outputs}
    return {n: np.concatenate([p[n] for p in parts]) if parts else empty[n] for n in empty}, ran


def usual_size(name: str, answer: np.ndarray) -> np.ndarray:
    """Tell what counts as a number of ordinary size: 1 for probabilities, the median elsewhere, by column."""
    if name == "probabilities" or answer.dtype.kind not in "fiu":
        return np.ones(1)
    with np.errstate(all="ignore"):
        size = np.nanmedian(np.abs(np.where(np.isfinite(answer), answer, np.nan)), axis=0)
    return np.asarray(np.where(np.isfinite(size) & (size > 0), size, 1.0))


def differences(expected: np.ndarray, actual: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Give the largest difference in each row."""
    if expected.shape != actual.shape:
        return np.full(len(expected), NO_NUMBER)
    if not len(expected):
        return np.zeros(0)
    if object in {expected.dtype, actual.dtype}:
        return _by_row(np.where(expected == actual, 0.0, NO_NUMBER))
    a, b = expected.astype(np.float64), actual.astype(np.float64)
    with np.errstate(all="ignore"):
        size = np.maximum(np.maximum(np.abs(a), np.abs(b)), scale)
        relative = np.abs(a - b) / size
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return _by_row(np.where(same, 0.0, np.where(np.isfinite(relative), relative, NO_NUMBER)))


def labels_differ(expected: Answer, actual: Answer) -> np.ndarray:
    """Tell in which rows the labels are not the same value."""
    if "label" not in expected:
        return np.zeros(len(next(iter(expected.values()))) if expected else 0, dtype=bool)
    a, b = expected["label"], actual["label"]
    if a.shape != b.shape:
        return np.ones(len(a), dtype=bool)
    if not len(a) or (a.dtype == object) != (b.dtype == object):
        return np.ones(len(a), dtype=bool)
    return np.asarray(np.asarray(a != b).reshape(len(a), -1).any(axis=1))


def percentile99(values: np.ndarray) -> float:
    """Give the difference that 99 of 100 rows do not exceed."""
    return float(np.percentile(values, 99)) if len(values) else 0.0


def _by_row(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.reshape(len(values), -1).max(axis=1, initial=0.0), dtype=np.float64)


def _worst(
    challenge: Challenge, index: np.ndarray, by_output: Answer, expected: Answer, actual: Answer
) -> Difference | None:
    name = max(by_output, key=lambda n: by_output[n].max(initial=-1.0))
    if not len(by_output[name]):
        return None
    i = int(np.argmax(by_output[name]))
    return Difference(
        kind=challenge.kind,
        row=challenge.rows.texts(int(index[i])),
        output=name,
        expected=_text(expected[name][i]),
        got=_text(actual[name][i]),
        difference=float(by_output[name][i]),
    )


def _text(value: Any) -> str:
    text = str(value.tolist() if hasattr(value, "tolist") else value)
    return text if len(text) < 160 else text[:160] + " ..."
