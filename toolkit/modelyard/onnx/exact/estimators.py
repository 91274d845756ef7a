"""The table of all translators, and the way from an estimator to a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelyard.models.signature import Field
from modelyard.onnx.exact import (
    bayes,
    composition,
    distances,
    encoding,
    histograms,
    kernels,
    linear,
    networks,
    scaling,
    texts,
    trees,
)
from modelyard.onnx.exact.translation import Piece, Table, Translation, Translators, UntranslatableError, Wire
from modelyard.onnx.graph import load_onnx
from modelyard.onnx.original import Original

Output = tuple[Wire, int, list[int | None]]
_TASKS = {"classifier": "classify", "clusters": "cluster", "outliers": "detect"}


def translators() -> Translators:
    """Join the tables of all families."""
    families = (linear, trees, histograms, scaling, encoding, texts, distances, kernels, bayes, networks, composition)
    return {
        task: {k: v for family in families for k, v in getattr(family, task.upper(), {}).items()}
        | composition.EVERYWHERE[task]
        for task in composition.TASKS
    }


def translate(original: Original, fields: Sequence[Field]) -> Any:
    """Make a model whose outputs are in the order of `original`.

    Raises
    ------
    UntranslatableError
        If the estimator, a part of it or a setting is not known.
    """
    onnx = load_onnx()
    t = Translation(translators())
    inputs = [onnx.helper.make_tensor_value_info(f.name, _element(onnx, f.type), list(f.shape)) for f in fields]
    pieces = [Piece(wire=f.name, width=(*f.shape, 1)[1] or 1, text=f.type == "string") for f in fields]
    outputs = dict(_outputs(t, original, Table(pieces=tuple(pieces)), onnx))
    missing = [name for name in original.methods if name not in outputs]
    if missing:
        raise UntranslatableError(f"no {missing[0]} for {original.name}")
    return t.model(inputs, [outputs[name] for name in original.methods])


def _element(onnx: Any, kind: str) -> int:
    if kind == "string":
        return int(onnx.TensorProto.STRING)
    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind)))


def _outputs(t: Translation, original: Original, table: Table, onnx: Any) -> list[tuple[str, Output]]:
    double, e = onnx.TensorProto.DOUBLE, original.estimator
    if original.kind == "transformer":
        return [("transformed", (t.numbers(t.transform(e, table)), double, [None, None]))]
    if original.kind == "regressor":
        return [("prediction", (t.regress(e, table), double, [None, None]))]
    if original.kind == "classifier":
        return _classes(t, original, table, onnx)
    label, values = t.other(_TASKS[original.kind], e, table)
    second = next(name for name in original.methods if name != "label")
    return [("label", (label, onnx.TensorProto.INT64, [None])), (second, (values, double, None))]  # type: ignore[list-item]


def _classes(t: Translation, original: Original, table: Table, onnx: Any) -> list[tuple[str, Output]]:
    found, labels = t.classify(original.estimator, table), np.asarray(original.estimator.classes_)
    text = labels.dtype.kind in "OU"
    if text and not all(isinstance(label, str) for label in labels.tolist()):
        raise UntranslatableError("labels that are neither numbers nor texts")
    kept: Any = object if text else np.float64 if labels.dtype.kind == "f" else np.int64
    kind = onnx.TensorProto.STRING if text else onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kept))
    outputs: list[tuple[str, Output]] = [
        ("label", (t.op("Gather", t.constant(labels, kept), found.winner), kind, [None]))
    ]
    double = onnx.TensorProto.DOUBLE
    if found.probabilities is not None:
        outputs.append(("probabilities", (found.probabilities, double, [None, None])))
    if found.scores is not None:
        outputs.append(("scores", (found.scores, double, None)))  # type: ignore[arg-type]
    return outputs
