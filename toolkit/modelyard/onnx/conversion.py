"""From a trained estimator to an ONNX model, with the proof that both answer alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from msgspec import Struct, structs

from modelyard.models.signature import Field, Sample, Signature, is_missing
from modelyard.onnx.adversarial import challenges, thin
from modelyard.onnx.certificate import Attempt, Certificate, Tolerance
from modelyard.onnx.errors import ConversionRefusedError, NotConvertibleError
from modelyard.onnx.graph import finish, load_onnx
from modelyard.onnx.original import Answer, Original, one_thread
from modelyard.onnx.parity import Challenge, Parity, Verdict
from modelyard.onnx.recipes import Recipe, recipes
from modelyard.onnx.rows import Rows
from modelyard.onnx.runtime import OnnxModel
from modelyard.onnx.thresholds import compares_inputs, parts
from modelyard.onnx.twins import twins

MARGIN = 10  # the rows that were tried are not all rows: a model nearer the tolerance is taken if no other is better
SAMPLE_ROWS = 1000
RECORDED_ROWS = 5
_PACKAGES = ("scikit-learn", "skl2onnx", "onnxruntime", "onnx", "numpy", "lightgbm", "xgboost")
_BOOSTERS = ("lightgbm", "xgboost")


class Conversion(Struct, frozen=True, kw_only=True):
    """An ONNX model and what goes with it.

    Parameters
    ----------
    model
        The bytes of the ``.onnx`` file.
    signature
        What the model takes and gives.
    sample
        Some rows of the sample as a request, and the model's answer to them.
    certificate
        What was measured.
    """

    model: bytes
    signature: Signature
    sample: Sample
    certificate: Certificate


class _Candidate(Struct, frozen=True, kw_only=True):
    """A model that a recipe made, and its measure."""

    recipe: Recipe
    content: bytes
    fields: tuple[Field, ...]
    verdict: Verdict


def convert(estimator: Any, sample: Any, *, tolerance: Tolerance | None = None, accept: bool = False) -> Conversion:
    """Convert a fitted estimator to ONNX, and measure that it answers alike.

    The recipes are tried in turn until the answers to the sample and to adversarial rows are within the tolerance.

    Parameters
    ----------
    estimator
        A fitted scikit-learn estimator or pipeline; LightGBM's and XGBoost's where these are installed.
    sample
        Rows as `estimator.predict` takes them, a hundred or so that are typical: a NumPy array, a DataFrame, or a
        list of texts. At most the first 1000 are used.
    tolerance
        How far the answers may differ.
    accept
        Take the nearest model although it is not within the tolerance; the certificate then says so.

    Raises
    ------
    UnsupportedSampleError
        If the sample cannot be the input of an ONNX model, or the estimator refuses it.
    NotConvertibleError
        If no recipe makes a model.
    ConversionRefusedError
        If no model is within the tolerance, and `accept` is false.
    """
    tolerance = tolerance or Tolerance()
    original, rows = Original(estimator), thin(Rows.of(sample), SAMPLE_ROWS)
    answer, parity = _measure_of(original, rows, tolerance)
    attempts: list[Attempt] = []
    candidates: list[_Candidate] = []
    for recipe in recipes():
        candidate, attempt = _try(recipe, original, rows, answer, parity)
        attempts.append(attempt)
        candidates += [candidate] if candidate else []
        if candidate and candidate.verdict.largest * MARGIN <= tolerance.difference and attempt.result == "accepted":
            break
    if not candidates:
        raise NotConvertibleError(original.name, attempts)
    best = min(candidates, key=lambda c: _distance(c.verdict, tolerance))
    certificate = _certificate(best, original, attempts, (tolerance, accept))
    if certificate.verdict == "refused":
        raise ConversionRefusedError(original.name, certificate)
    return _conversion(best, rows, parity, certificate)


def certify(
    estimator: Any, sample: Any, model: bytes, inputs: Sequence[Field], *, tolerance: Tolerance | None = None
) -> Certificate:
    """Measure an ONNX model, wherever it comes from, against the estimator; the verdict may be ``refused``.

    Parameters
    ----------
    estimator, sample, tolerance
        As for `convert`.
    model
        The bytes of the ``.onnx`` file; its outputs have the names that `convert` gives them.
    inputs
        The inputs of the model's signature.
    """
    tolerance = tolerance or Tolerance()
    original, rows = Original(estimator), thin(Rows.of(sample), SAMPLE_ROWS)
    _, parity = _measure_of(original, rows, tolerance)
    verdict = parity.measure(OnnxModel(model), inputs)
    recipe = Recipe(name="as it is", number="float64", make=lambda _, __: model)
    candidate = _Candidate(recipe=recipe, content=model, fields=tuple(inputs), verdict=verdict)
    return _certificate(candidate, original, (), (tolerance, False))


def _measure_of(original: Original, rows: Rows, tolerance: Tolerance) -> tuple[Answer, Parity]:
    """Have the estimator answer everything that a model will be measured on."""
    classes = getattr(original.estimator, "classes_", None)
    edges = not compares_inputs(original.estimator)
    with one_thread():
        answer = original.first_answer(rows)
        return answer, Parity(list(_asked(original, rows)), tolerance, classes, edges=edges)


def _asked(original: Original, rows: Rows) -> Iterator[Challenge]:
    others = [Original(twin) for twin in twins(original.estimator)]
    yield Challenge.ask(original, "sample", rows, others)
    for kind, found in challenges(original, rows):
        yield Challenge.ask(original, kind, found, others)


def _try(
    recipe: Recipe, original: Original, rows: Rows, answer: Answer, parity: Parity
) -> tuple[_Candidate | None, Attempt]:
    fields = rows.fields(recipe.number, recipe.integers)
    try:
        content = finish(recipe.make(original, fields), answer, recipe.number)
        model = OnnxModel(content)
        verdict = parity.measure(model, fields)
    except Exception as error:  # noqa: BLE001 - converters and the runtime raise whatever they like
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
        return None, Attempt(recipe=recipe.name, result="impossible", reason=reason)
    within = verdict.within(parity.tolerance)
    attempt = Attempt(
        recipe=recipe.name,
        result="accepted" if within else "different",
        reason="" if within else f"difference {verdict.largest:.3g}, {verdict.flips} labels flipped",
        largest=verdict.largest,
        flips=verdict.flips,
        unanswered=verdict.unanswered,
    )
    return _Candidate(recipe=recipe, content=content, fields=fields, verdict=verdict), attempt


def _distance(verdict: Verdict, tolerance: Tolerance) -> tuple[bool, int, float]:
    """Order models from the nearest to the farthest."""
    return (not verdict.within(tolerance), verdict.flips + verdict.unanswered, verdict.largest)


def _certificate(
    best: _Candidate, original: Original, attempts: Sequence[Attempt], terms: tuple[Tolerance, bool]
) -> Certificate:
    tolerance, accept = terms
    verdict = best.verdict
    within = verdict.within(tolerance)
    return Certificate(
        verdict="accepted" if within else "forced" if accept else "refused",
        recipe=best.recipe.name,
        tolerance=tolerance,
        comparisons=verdict.comparisons,
        largest=verdict.largest,
        percentile99=verdict.percentile99,
        flips=verdict.flips,
        ties=verdict.ties,
        unanswered=verdict.unanswered,
        worst=verdict.worst,
        attempts=tuple(attempts),
        versions=dict(_versions(original.estimator)),
        opset={o.domain: o.version for o in load_onnx().load_from_string(best.content).opset_import},
        sha256=hashlib.sha256(best.content).hexdigest(),
    )


def _versions(estimator: Any) -> Iterator[tuple[str, str]]:
    packages = {type(part).__module__.partition(".")[0] for part in parts(estimator)}
    for name in _PACKAGES:
        if name in _BOOSTERS and name not in packages:
            continue
        for distribution in (name, f"{name}-cpu"):
            try:
                yield name, version(distribution)
                break
            except PackageNotFoundError:
                continue


def _conversion(best: _Candidate, rows: Rows, parity: Parity, certificate: Certificate) -> Conversion:
    finite = np.flatnonzero([not any(_infinite(c[i]) for c in rows.columns) for i in range(len(rows))])
    few = rows.take(finite[:RECORDED_ROWS])
    answer = OnnxModel(best.content).run(few.feed(best.fields))
    outputs = Signature.infer([[0.0]], answer).outputs
    signature = Signature(
        inputs=_nullable(best.fields, parity), outputs=outputs, form="frame" if rows.form == "frame" else "array"
    )
    return Conversion(
        model=best.content,
        signature=signature,
        sample=Sample.record(few.native(), answer),
        certificate=certificate,
    )


def _infinite(value: Any) -> bool:
    return isinstance(value, float | np.floating) and bool(np.isinf(value))


def _nullable(fields: tuple[Field, ...], parity: Parity) -> tuple[Field, ...]:
    """Let a value be missing where the estimator takes it so; where it does not, a service must refuse."""
    missing = [c for c in parity.challenges if c.kind in {"sample", "missing"}]
    allowed = set()
    for challenge in missing:
        taken = challenge.rows.take(challenge.answered)
        allowed |= {i for i, column in enumerate(taken.columns) if any(map(is_missing, column.tolist()))}
    if len(fields) == 1:
        return (structs.replace(fields[0], nullable=bool(allowed)),)
    return tuple(structs.replace(f, nullable=i in allowed) for i, f in enumerate(fields))
