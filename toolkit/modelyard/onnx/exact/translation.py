"""An ONNX graph that grows while estimators are translated into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from modelyard.onnx.graph import IR_VERSION, load_onnx

Wire = str
"""The name of a tensor in the graph."""

OPSET = {"": 21, "ai.onnx.ml": 3, "com.microsoft": 1}


class UntranslatableError(Exception):
    """The estimator, or one of its settings, has no translation here."""


class Piece(Struct, frozen=True, kw_only=True):
    """Some columns of a table: a tensor of shape (n_rows, width), of texts or of numbers of any type."""

    wire: Wire
    width: int
    text: bool = False


class Table(Struct, frozen=True, kw_only=True):
    """Columns side by side, as an estimator takes them."""

    pieces: tuple[Piece, ...]

    @property
    def width(self) -> int:
        """The number of columns."""
        return sum(p.width for p in self.pieces)


class Classes(Struct, frozen=True, kw_only=True):
    """What a classifier gives: the number of the winning class, and how sure it is of each.

    Parameters
    ----------
    winner
        int64, shape (n_rows,).
    probabilities
        float64, shape (n_rows, n_classes).
    scores
        float64, as `decision_function` gives them.
    """

    winner: Wire
    probabilities: Wire | None = None
    scores: Wire | None = None

    @property
    def sure(self) -> Wire:
        """The probabilities, which there must be."""
        if self.probabilities is None:
            raise UntranslatableError("a classifier without probabilities where they are needed")
        return self.probabilities


Translators = Mapping[str, Mapping[str, Callable[..., Any]]]


class Translation:
    """The graph, and the translators of all families.

    Parameters
    ----------
    translators
        For each of ``transform``, ``classify``, ``regress``, ``cluster`` and ``detect`` a table from class names to
        functions of this translation, the estimator and a table.
    """

    def __init__(self, translators: Translators) -> None:
        self._onnx = load_onnx()
        self._translators = translators
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._count = 0

    def op(self, kind: str, *inputs: Wire, domain: str = "", **attributes: Any) -> Wire:
        """Add a node with one output."""
        return self.ops(kind, 1, *inputs, domain=domain, **attributes)[0]

    def ops(self, kind: str, count: int, *inputs: Wire, domain: str = "", **attributes: Any) -> list[Wire]:
        """Add a node with `count` outputs."""
        outputs = [self._name(kind) for _ in range(count)]
        node = self._onnx.helper.make_node(kind, list(inputs), outputs, domain=domain)
        helper = self._onnx.helper
        node.attribute.extend(helper.make_attribute(k, v) for k, v in sorted(attributes.items()) if v is not None)
        self._nodes.append(node)
        return outputs

    def constant(self, value: Any, dtype: Any = np.float64) -> Wire:
        """Add numbers or texts that are known; `dtype` is what they are kept as."""
        array = np.asarray(value, dtype=dtype)
        name = self._name("constant")
        if array.dtype == object or array.dtype.kind == "U":
            strings = [str(v).encode() for v in array.ravel().tolist()]
            tensor = self._onnx.helper.make_tensor(name, self._onnx.TensorProto.STRING, array.shape, strings)
        else:
            tensor = self._onnx.numpy_helper.from_array(array, name)
        self._constants.append(tensor)
        return name

    def integers(self, *values: int) -> Wire:
        """Add a list of int64, such as axes and shapes."""
        return self.constant(values, np.int64)

    def cast(self, wire: Wire, dtype: Any) -> Wire:
        """Turn a tensor into another type, with NumPy's rounding."""
        kind = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.op("Cast", wire, to=kind)

    def numbers(self, table: Table) -> Wire:
        """Give all columns as one tensor of float64."""
        if any(p.text for p in table.pieces):
            raise UntranslatableError("texts where numbers are needed")
        wires = [self.cast(p.wire, np.float64) for p in table.pieces]
        return wires[0] if len(wires) == 1 else self.op("Concat", *wires, axis=1)

    def columns(self, table: Table, chosen: Sequence[int]) -> Table:
        """Choose columns by number; neighbours of one piece stay together."""
        pieces: list[Piece] = []
        for piece, numbers in _runs(table, chosen):
            whole = numbers == list(range(piece.width))
            wire = piece.wire if whole else self.op("Gather", piece.wire, self.integers(*numbers), axis=1)
            pieces.append(Piece(wire=wire, width=len(numbers), text=piece.text))
        return Table(pieces=tuple(pieces))

    def flat(self, wire: Wire) -> Wire:
        """Give a tensor of one column as a list."""
        return self.op("Reshape", wire, self.integers(-1))

    def column(self, wire: Wire) -> Wire:
        """Give a list as a tensor of one column."""
        return self.op("Reshape", wire, self.integers(-1, 1))

    def total(self, wire: Wire, axis: int = 1, keep: bool = True) -> Wire:
        """Add up along an axis."""
        return self.op("ReduceSum", wire, self.integers(axis), keepdims=int(keep))

    def mean(self, wires: Sequence[Wire]) -> Wire:
        """Average tensors of one shape."""
        return self.op("Div", self.op("Sum", *wires), self.constant(float(len(wires))))

    def winner(self, values: Wire) -> Wire:
        """Tell the number of the largest value in each row, the first of equals."""
        return self.op("ArgMax", values, axis=1, keepdims=0, select_last_index=0)

    def transform(self, estimator: Any, table: Table) -> Table:
        """Translate what prepares features."""
        if isinstance(estimator, str):
            return table if estimator == "passthrough" else Table(pieces=())
        found = self._find("transform", estimator)(self, estimator, table)
        if isinstance(found, Table):
            return found
        width = _width(estimator, found[1])
        return Table(pieces=(Piece(wire=found[0], width=width),))

    def classify(self, estimator: Any, table: Table) -> Classes:
        """Translate a classifier."""
        found: Classes = self._find("classify", estimator)(self, estimator, table)
        return found

    def regress(self, estimator: Any, table: Table) -> Wire:
        """Translate a regressor; the shape is (n_rows, n_targets)."""
        found: Wire = self._find("regress", estimator)(self, estimator, table)
        return found

    def other(self, task: str, estimator: Any, table: Table) -> tuple[Wire, ...]:
        """Translate what gives a label and something beside it."""
        found: tuple[Wire, ...] = self._find(task, estimator)(self, estimator, table)
        return found

    def knows(self, task: str, estimator: Any) -> bool:
        """Tell whether there is a translator."""
        return _known_as(estimator) in self._translators[task]

    def model(self, inputs: Sequence[Any], outputs: Sequence[tuple[Wire, Any, Sequence[int | None] | None]]) -> Any:
        """Close the graph."""
        helper = self._onnx.helper
        infos = [
            helper.make_tensor_value_info(wire, kind, None if shape is None else list(shape))
            for wire, kind, shape in outputs
        ]
        graph = helper.make_graph(self._nodes, "model", list(inputs), infos, self._constants)
        used = {node.domain for node in self._nodes} | {""}
        imports = [helper.make_opsetid(domain, number) for domain, number in OPSET.items() if domain in used]
        return helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)

    def _find(self, task: str, estimator: Any) -> Callable[..., Any]:
        try:
            return self._translators[task][_known_as(estimator)]
        except KeyError:
            raise UntranslatableError(f"{type(estimator).__name__} has no translation") from None

    def _name(self, kind: str) -> Wire:
        self._count += 1
        return f"/{kind.lower()}_{self._count}"  # a column may be called anything, but hardly this


def _known_as(estimator: Any) -> str:
    """Tell the name of a class of the packages we know; a class derived from one may behave otherwise."""
    package = type(estimator).__module__.partition(".")[0]
    return type(estimator).__name__ if package in {"sklearn", "lightgbm", "xgboost"} else ""


def _width(estimator: Any, width: int | None) -> int:
    if width is None:
        raise UntranslatableError(f"the number of columns that {type(estimator).__name__} gives")
    return int(width)


def _runs(table: Table, chosen: Sequence[int]) -> list[tuple[Piece, list[int]]]:
    """Group chosen columns by the pieces they are in."""
    where = [(piece, i) for piece in table.pieces for i in range(piece.width)]
    runs: list[tuple[Piece, list[int]]] = []
    for number in chosen:
        piece, i = where[number]
        if runs and runs[-1][0] is piece:
            runs[-1][1].append(i)
        else:
            runs.append((piece, [i]))
    return runs
