"""What is served and asked: models that are made anew for each run of the benchmark, rows, and the right answers."""

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Answers = dict[str, NDArray[Any]]
"""The outputs of a model by name."""

WIDTH = 64
_SEED = 7


class Model(Struct, frozen=True, kw_only=True):
    """An ONNX model in a folder of its own.

    Parameters
    ----------
    outputs
        Name, type and shape of one row's part of each output.
    """

    file: Path
    outputs: tuple[tuple[str, str, tuple[int, ...]], ...]


def rows(count: int) -> Rows:
    """Give rows of digits, 64 whole numbers from 0 to 16 each."""
    from sklearn.datasets import load_digits

    data = load_digits().data.astype(np.float32)
    return np.random.default_rng(_SEED).permutation(data)[:count]


@cache
def digits(folder: Path) -> Model:
    """Train a logistic regression on the digits."""
    from sklearn.linear_model import LogisticRegression

    return _classifier(folder / "digits", LogisticRegression(max_iter=2000, C=0.01))


@cache
def forest(folder: Path, trees: int) -> Model:
    """Train a random forest on the digits."""
    from sklearn.ensemble import RandomForestClassifier

    return _classifier(folder / "forest", RandomForestClassifier(trees, random_state=_SEED, n_jobs=1))


@cache
def network(folder: Path, neurons: int) -> Model:
    """Make a multilayer perceptron of four layers; with 28 million weights a run mostly reads them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(_SEED)
    sizes = [WIDTH, *[neurons] * 4, 10]
    nodes, weights, last = [], [], "input"
    for number, (above, below) in enumerate(pairwise(sizes)):
        matrix = chance.normal(0, (2 / above) ** 0.5, (above, below)).astype(np.float32)
        weights.append(numpy_helper.from_array(matrix, f"weights{number}"))
        name = "scores" if below == sizes[-1] else f"sum{number}"
        nodes.append(helper.make_node("MatMul", [last, f"weights{number}"], [name]))
        if name != "scores":
            nodes.append(helper.make_node("Relu", [name], [last := f"layer{number}"]))
    values = [("input", WIDTH), ("scores", sizes[-1])]
    given, made = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, n])] for name, n in values)
    graph = helper.make_graph(nodes, "network", given, made, weights)
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file = _place(folder / "network")
    onnx.save(content, file)
    return Model(file=file, outputs=(("scores", "float32", (10,)),))


def right_answers(model: Model, given: Rows) -> Answers:
    """Run the model here, on all the rows."""
    names = [name for name, _, _ in model.outputs]
    return dict(zip(names, _session(model.file).run(names, {"input": given}), strict=True))


@cache
def _session(file: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def _classifier(folder: Path, estimator: Any) -> Model:
    from skl2onnx import to_onnx
    from sklearn.datasets import load_digits
    from threadpoolctl import threadpool_limits

    data, labels = load_digits(return_X_y=True)
    data = data.astype(np.float32)
    with threadpool_limits(1):  # threads that wait for one another take minutes on a busy machine
        estimator.fit(data, labels)
    content = to_onnx(estimator, data[:1], options={"zipmap": False}, target_opset=17)
    for output in (content.graph.input[0], *content.graph.output):
        output.name = {"X": "input"}.get(output.name, output.name)
    _rename_input(content.graph)
    file = _place(folder)
    file.write_bytes(content.SerializeToString())
    return Model(file=file, outputs=(("label", "int64", ()), ("probabilities", "float32", (10,))))


def _rename_input(graph: Any) -> None:
    for node in graph.node:
        node.input[:] = ["input" if name == "X" else name for name in node.input]


def _place(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "model.onnx"
