"""The ways in which a model can be made, in the order in which they are tried."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from modelyard.errors import MissingExtraError
from modelyard.models.signature import Field
from modelyard.onnx.exact.estimators import translate
from modelyard.onnx.graph import OPSET
from modelyard.onnx.original import Original
from modelyard.onnx.rows import Number
from modelyard.onnx.thresholds import parts

Make = Callable[[Original, Sequence[Field]], Any]


class Recipe(Struct, frozen=True, kw_only=True):
    """One way of making an ONNX model.

    Parameters
    ----------
    name
        What the certificate calls it.
    number
        The type in which the model gets numbers.
    integers
        Whether columns of integers come as int64 instead.
    make
        What makes the model; it raises when it cannot.
    """

    name: str
    number: Number
    integers: bool = False
    make: Make


def recipes() -> tuple[Recipe, ...]:
    """Give the recipes, the smallest and fastest models first."""
    return (
        Recipe(name="float32", number="float32", make=with_skl2onnx),
        Recipe(name="float32, own translation", number="float32", make=translate),
        Recipe(name="float64, own translation", number="float64", make=translate),
        Recipe(name="float64", number="float64", make=with_skl2onnx),
        Recipe(name="float64 with int64 columns", number="float64", integers=True, make=with_skl2onnx),
    )


def with_skl2onnx(original: Original, fields: Sequence[Field]) -> Any:
    """Convert with skl2onnx."""
    try:
        import skl2onnx
        from skl2onnx.common import data_types
    except ImportError as error:
        raise MissingExtraError("skl2onnx", "onnx") from error
    kinds = {
        "float32": data_types.FloatTensorType,
        "float64": data_types.DoubleTensorType,
        "int64": data_types.Int64TensorType,
        "bool": data_types.BooleanTensorType,
        "string": data_types.StringTensorType,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return skl2onnx.convert_sklearn(
            original.estimator,
            name="model",
            initial_types=[(f.name, kinds[f.type](list(f.shape))) for f in fields],
            target_opset={**OPSET, "ai.onnx.ml": 3},
            options=_options(original),
        )


def _options(original: Original) -> dict[int, dict[str, Any]]:
    """Choose the options of skl2onnx: plain tensors, scores where there are no probabilities."""
    from skl2onnx import get_model_alias
    from skl2onnx.common._registration import get_converter

    wanted: dict[str, Any] = {"raw_scores": "scores" in original.methods}
    chosen = {}
    for part in parts(original.estimator):
        try:
            allowed = get_converter(get_model_alias(type(part))).get_allowed_options() or {}
        except (RuntimeError, ValueError, AttributeError):
            continue
        chosen[id(part)] = {k: v for k, v in wanted.items() if k in allowed}
    if original.kind == "classifier":
        last = original.estimator.steps[-1][1] if hasattr(original.estimator, "steps") else original.estimator
        chosen.setdefault(id(last), {})["zipmap"] = False
    return {key: options for key, options in chosen.items() if options}
