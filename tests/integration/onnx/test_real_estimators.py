"""Every estimator is either converted right, by a check that shares no code with the conversion, or refused."""

import hashlib
import warnings

import msgspec
import numpy as np
import onnxruntime
import pytest
from fresh_rows import fresh
from onnx_estimators import ESTIMATORS, fitted

from modelyard.models.signature import MISSING_TEXT
from modelyard.onnx.certificate import Certificate
from modelyard.onnx.conversion import convert
from modelyard.onnx.errors import ConversionRefusedError, NotConvertibleError

TOLERANCE = 1e-5
REFUSED = {"letters", "neighbours regressor"}  # no recipe makes these right
pytestmark = pytest.mark.filterwarnings("ignore")  # scikit-learn's own: convergence, names of features, overflow


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_accepted_model_answers_fresh_rows_as_the_estimator_does(name):
    estimator, seen, unseen = fitted(name)
    try:
        conversion = convert(estimator, seen)
    except (ConversionRefusedError, NotConvertibleError):
        assert name in REFUSED
        return
    assert name not in REFUSED
    assert conversion.certificate.verdict == "accepted"
    rows, answers = _accepted(estimator, fresh(estimator, unseen))
    assert len(rows) > 20
    session = onnxruntime.InferenceSession(conversion.model, providers=["CPUExecutionProvider"])
    outputs = [field.name for field in conversion.signature.outputs]
    assert outputs == [output.name for output in session.get_outputs()]
    got = dict(zip(outputs, session.run(outputs, _feed(conversion.signature, rows)), strict=True))
    _compare(answers, got, _settled(estimator, rows))


@pytest.mark.parametrize(
    "name", ["forest", "frame", "words", "stack", "lightgbm, times", "logistic", "support vectors"]
)
def test_the_same_estimator_gives_the_same_bytes(name):
    estimator, seen, _ = fitted(name)
    first, second = convert(estimator, seen), convert(estimator, seen)
    assert hashlib.sha256(first.model).hexdigest() == first.certificate.sha256 == second.certificate.sha256
    assert msgspec.json.decode(msgspec.json.encode(first.certificate), type=Certificate) == first.certificate


def test_the_recorded_sample_is_what_the_model_answers():
    estimator, seen, _ = fitted("frame")
    conversion = convert(estimator, seen)
    assert conversion.signature.form == "frame"
    assert conversion.sample.request["columns"] == list(seen.columns)
    nullable = {field.name for field in conversion.signature.inputs if field.nullable}
    assert {"age", "port"} <= nullable
    answer = estimator.predict(seen.head(len(conversion.sample.request["data"])))
    assert conversion.sample.answer["label"] == answer.tolist()


def _accepted(estimator, rows):
    """Keep the rows that the estimator takes, and what it answers."""
    kept, answers, waiting = [], [], [np.arange(len(rows))]
    while waiting:
        index = waiting.pop()
        try:
            answers.append(_answer(estimator, _some(rows, index)))
            kept.extend(index)
        except (ValueError, TypeError, AttributeError):
            halves = np.array_split(index, 2) if len(index) > 1 else []
            waiting.extend(halves[::-1])
    return _some(rows, kept), {k: np.concatenate([a[k] for a in answers]) for k in answers[0]}


def _some(rows, index):
    if isinstance(rows, list):
        return [rows[i] for i in index]
    return rows.iloc[index] if hasattr(rows, "iloc") else rows[index]


def _answer(estimator, row):
    if not hasattr(estimator, "predict"):
        return {"transformed": np.asarray(estimator.transform(row))}
    answer = {"predicted": np.asarray(estimator.predict(row))}
    if hasattr(estimator, "predict_proba"):
        answer["probabilities"] = estimator.predict_proba(row)
    elif hasattr(estimator, "decision_function"):
        answer["scores"] = estimator.decision_function(row)
    elif hasattr(estimator, "transform") and not hasattr(estimator, "score_samples"):
        answer["distances"] = np.asarray(estimator.transform(row))
    return answer


def _feed(signature, rows):
    """Read the inputs as a service would."""
    if signature.form == "frame":
        return {f.name: _typed(rows[f.name].tolist(), f.type).reshape(-1, 1) for f in signature.inputs}
    (field,) = signature.inputs
    return {"input": _typed(rows if isinstance(rows, list) else rows.tolist(), field.type)}


def _typed(values, kind):
    if kind != "string":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.array(values, dtype=np.float64).astype(kind)
    return np.array([v if isinstance(v, str) else MISSING_TEXT for v in values], dtype=object)


def _settled(estimator, rows):
    """Tell the rows whose nearest neighbours are decided by more than rounding."""
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    if not hasattr(last, "kneighbors"):
        return np.ones(len(rows), dtype=bool)
    prepared = estimator[:-1].transform(rows) if hasattr(estimator, "steps") else rows
    distances, _ = last.kneighbors(prepared, n_neighbors=last.n_neighbors + 1)
    return distances[:, -1] - distances[:, -2] > 1e-7 * distances[:, -1]


def _compare(answers, got, settled):
    for name in set(answers) & set(got):
        a, b = answers[name].astype(float), got[name].astype(float)
        assert a.shape == b.shape
        usual = 1.0 if name == "probabilities" else np.nanmedian(np.abs(a))
        size = np.maximum(np.abs(a), max(usual, 1e-30))
        wrong = ~np.isclose(a / size, b / size, rtol=0, atol=TOLERANCE, equal_nan=True)
        wrong = wrong.reshape(len(a), -1).any(axis=1)
        assert not (wrong & settled).any(), (name, a[wrong & settled][0], b[wrong & settled][0])
    label = got.get("label", got.get("prediction"))
    if label is None or "predicted" not in answers:
        return
    a = answers["predicted"]
    if "label" not in got:
        size = np.maximum(np.abs(a), np.median(np.abs(a)))
        near = (a == label) | (np.abs(a - label) <= TOLERANCE * size)
        wrong = ~near.reshape(len(a), -1).all(axis=1) & settled
        assert not wrong.any(), (a[wrong][0], label[wrong][0])
        return
    flipped = (a != label).reshape(len(a), -1).any(axis=1) & ~_level(answers) & settled
    assert not flipped.any(), (a[flipped][0], label[flipped][0])


def _level(answers):
    """Tell the rows in which the estimator has two labels level."""
    distances = -answers["distances"] if "distances" in answers else None
    values = answers.get("probabilities", answers.get("scores", distances))
    if values is None:
        return np.zeros(len(answers["predicted"]), dtype=bool)
    if values.ndim == 1:
        return np.abs(values) <= TOLERANCE
    if values.shape[1] == 1:
        return np.zeros(len(values), dtype=bool)
    top = np.sort(values, axis=1)
    return top[:, -1] - top[:, -2] <= TOLERANCE
