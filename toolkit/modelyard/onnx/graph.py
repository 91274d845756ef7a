"""Finishing touches on an ONNX model: names and shapes of its outputs, and bytes that are always the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelyard.errors import MissingExtraError
from modelyard.onnx.original import Answer
from modelyard.onnx.rows import Number

OPSET = {"": 21, "ai.onnx.ml": 5}
IR_VERSION = 10


def finish(model: Any, answer: Answer, number: Number) -> bytes:
    """Give the outputs their names and shapes, and drop the others.

    Parameters
    ----------
    model
        The ONNX model as a converter made it: its outputs are in the order of `answer`.
    answer
        What the estimator answers: the names, and the number of axes.
    number
        The type that numbers are given in.

    Raises
    ------
    ValueError
        If the model has too few outputs.
    """
    onnx = load_onnx()
    graph = model.graph
    if len(graph.output) < len(answer):
        raise ValueError(f"the converter gives {len(graph.output)} of {len(answer)} outputs")
    outputs = []
    for named, output in zip(answer.items(), list(graph.output), strict=False):
        outputs.append(_named(onnx, graph, output, named, number))
    del graph.output[:]
    graph.output.extend(outputs)
    graph.name = "model"
    graph.doc_string = model.doc_string = ""
    model.producer_name, model.producer_version, model.domain = "modelyard", "", ""
    del model.metadata_props[:]
    model.model_version = 1
    return bytes(model.SerializeToString(deterministic=True))


def load_onnx() -> Any:
    """Import onnx.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "onnx") from error
    return onnx


def _named(onnx: Any, graph: Any, output: Any, named: tuple[str, np.ndarray], number: Number) -> Any:
    """Add the nodes that turn one output into what it should be called and look like."""
    name, value = named
    source, kind = output.name, output.type.tensor_type.elem_type
    wanted = _element(onnx, value, kind, number)
    if wanted != kind or wanted == onnx.TensorProto.DOUBLE:  # the converter may say float, and give double
        kind = wanted
        graph.node.append(onnx.helper.make_node("Cast", [source], [f"{name}_cast"], to=kind))
        source = f"{name}_cast"
    shape = f"{name}_shape"
    axes = np.array([-1, *value.shape[1:]], dtype=np.int64)
    graph.initializer.append(onnx.numpy_helper.from_array(axes, shape))
    graph.node.append(onnx.helper.make_node("Reshape", [source, shape], [f"{name}_out"]))
    _rename(graph, name, f"{name}_inner")
    graph.node[-1].output[0] = name
    return onnx.helper.make_tensor_value_info(name, kind, [None, *value.shape[1:]])


def _element(onnx: Any, value: np.ndarray, found: int, number: Number) -> int:
    types = onnx.TensorProto
    if value.dtype.kind == "b":
        return int(types.BOOL)
    if value.dtype.kind == "f":
        return int(types.DOUBLE if number == "float64" else types.FLOAT)
    return int(types.INT64) if value.dtype.kind in "iu" else found


def _rename(graph: Any, old: str, new: str) -> None:
    """Free a name that an inner tensor has."""
    for node in graph.node:
        for names in (node.input, node.output):
            for i, found in enumerate(names):
                if found == old:
                    names[i] = new
