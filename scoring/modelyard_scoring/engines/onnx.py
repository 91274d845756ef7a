"""ONNX models, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_scoring.answers import Answer
from modelyard_scoring.decoding.array import ArrayForm
from modelyard_scoring.decoding.column import Column
from modelyard_scoring.decoding.frame import FrameForm
from modelyard_scoring.decoding.joined import RowText
from modelyard_scoring.decoding.rows import Form, Rows, sizes_of
from modelyard_scoring.decoding.tensors import TensorsForm
from modelyard_scoring.engines import Placement, Request
from modelyard_scoring.engines.session import import_runtime, open_session
from modelyard_scoring.engines.tabular import Tabular
from modelyard_scoring.engines.tensors import Input, Part, join, split
from modelyard_scoring.errors import EngineError, RequestError
from modelyard_scoring.formats.values import MISSING_TEXT
from modelyard_scoring.inference.contract import Contract, TensorInput, TensorSpec, sizes
from modelyard_scoring.inference.datatype import datatype_of
from modelyard_scoring.inference.packed import Packed, together
from modelyard_scoring.service.folder import ServedModel
from modelyard_scoring.service.signature import Field, Signature

_DTYPES: dict[str, Any] = {
    "tensor(bool)": np.bool_,
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(string)": np.object_,
    **{f"tensor({s}int{bits})": f"{s}int{bits}" for s in ("", "u") for bits in (8, 16, 32, 64)},
}


Work = Rows | RowText | Packed


class OnnxEngine:
    """Runs an ONNX model on joined rows."""

    blocks = False
    reads_packed = True
    reads_arrow = True

    def __init__(self, model: ServedModel, place: Placement) -> None:
        if model.signature is None or model.file is None:
            problem = "the engine 'onnx' needs a signature and a file"
            raise EngineError(str(model), problem, "Add them to service.json.")
        self.joins = True
        is_free = any(None in field.shape[1:] for field in model.signature.inputs)
        self.sizes = _sizes if is_free else None
        self._model = model
        self._signature: Signature = model.signature
        self._file = place.folder / model.path / model.file
        self._threads = place.threads
        self._accelerator = place.service.accelerator
        self._limits = place.limits

    def load(self, enter: Callable[[str], None]) -> None:
        """Import onnxruntime, open the model, and match its inputs and outputs with the signature.

        Raises
        ------
        EngineError
            If they do not match.
        AcceleratorError
            If the service asks for an accelerator that cannot be used.
        """
        enter("import")
        import_runtime(self._accelerator)
        enter("init")
        session = open_session(self._file, threads=self._threads, accelerator=self._accelerator)
        given = session.get_inputs()
        self._inputs = self._match_inputs({one.name: one for one in given})
        self._axes = {one.name: _axes(one.shape) for one in given}
        self._outputs = self._match_outputs({one.name: one for one in session.get_outputs()})
        self._names = [name for name, _ in self._outputs]
        self._form = self._make_form()
        self.put_off = self._form.put_off
        self._tabular = Tabular(self._form, self._limits, columns=len(self._inputs), outputs=self._names)
        self.contract = self._make_contract({one.name: one for one in session.get_outputs()})
        self.width = sum(prod(max(size, 1) for size in one.shape[1:]) for one in self.contract.outputs)
        self._run = session.run

    def decode(self, request: Request) -> Rows | RowText:
        """Read rows in the form that the request names, to be answered in the form that it asks for."""
        return self._tabular.read(request)

    def rows(self, work: Work) -> Rows:
        """Give the rows of a request; raise a `RequestError` where its body was put off and is wrong."""
        if isinstance(work, Rows):
            return work
        return work.read() if isinstance(work, Packed) else self._form.from_json(work.body)

    def decode_in_steps(self, request: Request) -> Generator[None, None, Rows]:
        """Read rows of a large body, stopping after each step."""
        return self._tabular.read_in_steps(request)

    def run(self, works: Sequence[Work]) -> list[Answer]:
        """Run the model once over the rows of all requests."""
        feed = self._read(works)
        return self._run_right(works) if feed is None else self._score(feed, works)

    def _read(self, works: Sequence[Any]) -> dict[str, NDArray[Any]] | None:
        """Make the model's arrays of all requests; None where they have to be read one by one."""
        kinds = {type(work) for work in works}
        if kinds == {RowText}:
            array = self._form.read(works)
            return None if array is None else {self._inputs[0].name: array}
        if kinds == {Packed}:
            rows = together(works)
            return None if rows is None else join(self._inputs, [rows])
        return join(self._inputs, works) if kinds == {Rows} else None

    def _run_right(self, works: Sequence[Work]) -> list[Answer]:
        """Read each body that was put off by itself; those that are wrong get their errors, the others are run."""
        read = [self._tried(work) for work in works]
        right = [one for one in read if isinstance(one, Rows)]
        answers = iter(self._score(join(self._inputs, right), right) if right else [])
        return [next(answers) if isinstance(one, Rows) else one for one in read]

    def _tried(self, work: Work) -> Rows | RequestError:
        try:
            return self.rows(work)
        except RequestError as error:
            return error

    def _score(self, feed: dict[str, NDArray[Any]], works: Sequence[Part]) -> list[Answer]:
        results = self._run(self._names, feed)
        arrays = {
            name: _with_null(_flat(array) if flat else array)
            for (name, flat), array in zip(self._outputs, results, strict=True)
        }
        return split(arrays, works)

    def _make_form(self) -> Form:
        columns = [one.column for one in self._inputs]
        if self._signature.form == "array":
            return ArrayForm(columns[0], self._signature.inputs[0].shape[1:], self._limits.max_rows)
        if self._signature.form == "frame":
            names = [field.name for field in self._signature.inputs]
            return FrameForm(dict(zip(names, columns, strict=True)), self._limits.max_rows)
        pairs = zip(self._signature.inputs, columns, strict=True)
        forms = {field.name: ArrayForm(one, field.shape[1:], self._limits.max_rows) for field, one in pairs}
        return TensorsForm(forms, self._axes, self._limits.max_rows)

    def _make_contract(self, given: dict[str, Any]) -> Contract:
        pairs = zip(self._signature.inputs, self._inputs, strict=True)
        shapes = {field.name: field.shape for field in self._signature.outputs}
        outputs = [
            TensorSpec(
                name=name,
                datatype=datatype_of(np.dtype(_DTYPES[given[name].type])),
                shape=sizes(shapes.get(name) or given[name].shape),
            )
            for name in self._names
        ]
        inputs = [TensorInput(field, one.column, self._signature.form) for field, one in pairs]
        return Contract(inputs, outputs, self._axes, self._limits.max_rows)

    def _match_inputs(self, given: dict[str, Any]) -> list[Input]:
        fields = {field.name: field for field in self._signature.inputs}
        if self._signature.form == "array" and len(given) == 1:
            fields = dict(zip(given, fields.values(), strict=True))
        if set(fields) != set(given):
            problem = f"its inputs are {sorted(given)}, those of the signature {sorted(fields)}"
            raise EngineError(str(self._model), problem)
        return [self._input(field, given[name]) for name, field in fields.items()]

    def _input(self, field: Field, given: Any) -> Input:
        dtype = np.dtype(_DTYPES.get(given.type, np.void))
        problem = _mismatch(field, dtype)
        if problem:
            raise EngineError(str(self._model), f"the input {given.name!r} is {given.type}, {problem}")
        if not given.shape or isinstance(given.shape[0], int):
            problem = f"the input {given.name!r} has the shape {given.shape}, with a fixed number of rows"
            raise EngineError(str(self._model), problem, "Export the model with a first axis that is not fixed.")
        deep = self._signature.form == "frame" and len(given.shape) == 2
        if not deep and self._signature.form != "frame" and len(given.shape) != len(field.shape):
            problem = f"the input {given.name!r} has the shape {given.shape}, the signature {list(field.shape)}"
            raise EngineError(str(self._model), problem)
        return Input(name=given.name, column=Column(field.type, dtype, nullable=field.nullable), deep=deep)

    def _match_outputs(self, given: dict[str, Any]) -> list[tuple[str, bool]]:
        wanted = {field.name: field.shape for field in self._signature.outputs}
        names = list(wanted) or list(given)
        for name in names:
            if name not in given:
                raise EngineError(str(self._model), f"it has no output {name!r}, only {sorted(given)}")
            if given[name].type not in _DTYPES:
                hint = "Convert the model without zipmap."
                raise EngineError(str(self._model), f"its output {name!r} is {given[name].type}, not a tensor", hint)
        return [(name, wanted.get(name) == (None,)) for name in names]


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    """Turn ``(n_rows, 1)`` into ``(n_rows,)`` for an output that the signature says is flat."""
    return array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array


def _sizes(work: Rows | Packed) -> tuple[tuple[int, ...], ...]:
    return work.layout.shapes if isinstance(work, Packed) else sizes_of(work)


def _axes(shape: Sequence[int | str | None]) -> list[str | None]:
    """Give the names of the axes after the rows: those of one name have one size."""
    return [one if isinstance(one, str) else None for one in shape[1:]]


def _with_null(array: NDArray[Any]) -> NDArray[Any]:
    """Make null again of missing texts that the model passed on."""
    if array.dtype.kind != "O":
        return array
    told = array.copy()
    told[array == MISSING_TEXT] = None
    return told


def _mismatch(field: Field, dtype: np.dtype[Any]) -> str:
    """Say why values of the field cannot go into the model's type without changing what they mean."""
    if field.type in {"string", "datetime"} or dtype.kind in "OV":
        wanted = {"string": "O", "datetime": "i8"}.get(field.type)
        return "" if wanted and dtype == np.dtype(wanted) else f"the signature says {field.type}"
    if field.nullable and dtype.kind != "f":
        return "which has no missing values, but the signature says nullable"
    if dtype.kind != "f" and not np.can_cast(np.dtype(field.type), dtype):
        return f"which does not hold every {field.type} of the signature"
    return ""
