"""Multilayer perceptrons."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelyard.onnx.exact.linear import affine, binary
from modelyard.onnx.exact.translation import Classes, Table, Translation, UntranslatableError, Wire

_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}


def layers(t: Translation, e: Any, table: Table) -> Wire:
    """Give the last layer before its activation."""
    x, last = t.numbers(table), len(e.coefs_) - 1
    for i, (weights, bias) in enumerate(zip(e.coefs_, e.intercepts_, strict=True)):
        x = affine(t, x, weights, bias)
        if i < last and e.activation != "identity":
            x = t.op(_ACTIVATIONS[e.activation], x)
    return x


def network_regressor(t: Translation, e: Any, table: Table) -> Wire:
    """Calculate a network without a last activation, or with that of its loss."""
    found = layers(t, e, table)
    if e.out_activation_ == "identity":
        return found
    return t.op("Exp" if e.out_activation_ == "exp" else _ACTIVATIONS[e.out_activation_], found)


def network_classifier(t: Translation, e: Any, table: Table) -> Classes:
    """Sigmoid of one score, softmax of several."""
    scores = layers(t, e, table)
    if e.out_activation_ == "softmax":
        return Classes(winner=t.winner(scores), probabilities=t.op("Softmax", scores, axis=1))
    if e.n_outputs_ != 1:
        raise UntranslatableError("a network that gives several labels")
    winner = t.flat(t.cast(t.op("Greater", scores, t.constant(0.0)), np.int64))
    return Classes(winner=winner, probabilities=binary(t, t.op("Sigmoid", scores)))


CLASSIFY = {"MLPClassifier": network_classifier}
REGRESS = {"MLPRegressor": network_regressor}
