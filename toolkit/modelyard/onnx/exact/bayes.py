"""Naive Bayes: a sum of log-likelihoods for each class."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelyard.onnx.exact.linear import affine
from modelyard.onnx.exact.translation import Classes, Table, Translation, Wire


def likely(t: Translation, logs: Wire) -> Classes:
    """Choose the most likely class."""
    return Classes(winner=t.winner(logs), probabilities=t.op("Softmax", logs, axis=1))


def gaussian(t: Translation, e: Any, table: Table) -> Classes:
    """Take a normal distribution for each class and column."""
    x, parts = t.numbers(table), []
    for mean, variance in zip(e.theta_, e.var_, strict=True):
        scaled = t.op("Div", t.op("Sub", x, t.constant(mean)), t.constant(np.sqrt(variance)))
        parts.append(t.total(t.op("Mul", scaled, scaled)))
    constant = np.log(e.class_prior_) - 0.5 * np.log(2.0 * np.pi * e.var_).sum(axis=1)
    squares = t.op("Mul", t.op("Concat", *parts, axis=1), t.constant(-0.5))
    return likely(t, t.op("Add", squares, t.constant(constant)))


def multinomial(t: Translation, e: Any, table: Table) -> Classes:
    """Weigh counts by log-probabilities."""
    return likely(t, affine(t, t.numbers(table), e.feature_log_prob_.T, e.class_log_prior_))


def complement(t: Translation, e: Any, table: Table) -> Classes:
    """Weigh counts by what the other classes have."""
    prior = e.class_log_prior_ if len(e.classes_) == 1 else 0.0
    return likely(t, affine(t, t.numbers(table), e.feature_log_prob_.T, prior))


def bernoulli(t: Translation, e: Any, table: Table) -> Classes:
    """Weigh what is there, and what is not."""
    x = t.numbers(table)
    if e.binarize is not None:
        x = t.cast(t.op("Greater", x, t.constant(float(e.binarize))), np.float64)
    absent = np.log(1 - np.exp(e.feature_log_prob_))
    return likely(t, affine(t, x, (e.feature_log_prob_ - absent).T, e.class_log_prior_ + absent.sum(axis=1)))


CLASSIFY = {
    "GaussianNB": gaussian,
    "MultinomialNB": multinomial,
    "ComplementNB": complement,
    "BernoulliNB": bernoulli,
}
