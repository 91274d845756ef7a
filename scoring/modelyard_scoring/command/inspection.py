"""What a model on its own takes and gives: run as a program, which prints the service that its file makes."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Sequence
from itertools import cycle, islice
from math import prod
from pathlib import Path
from typing import Any, cast, get_args

import msgspec
import orjson

from modelyard_scoring.engines import Placement
from modelyard_scoring.engines.onnx import OnnxEngine
from modelyard_scoring.engines.session import open_session
from modelyard_scoring.errors import EngineError, RequestError, StartError
from modelyard_scoring.http1.request import PlainRequest
from modelyard_scoring.service.folder import HERE, Limits, Sample, ServedModel, Service
from modelyard_scoring.service.sample import find_difference
from modelyard_scoring.service.signature import Field, Form, Signature, Type

_MAX_VALUES = 4096  # of a made-up row; more would fill the page and the descriptions
_FLOATS = (0.5, 0.25, 1.0, 0.0, 2.0, 0.75, 1.5)
_HINT = "Write a model folder, whose service.json has a signature: docs/reference/model-folder.md."
_NAMES = {"float": "float32", "double": "float64"}


def describe(file: Path) -> Service:
    """Open a model and say how it is served.

    Raises
    ------
    EngineError
        If there are none, or rows cannot fill them.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).lstrip("-._")[:128] or "model"
    session = open_session(file, threads=1)
    signature = Signature(
        inputs=tuple(_input(name, one) for one in session.get_inputs()),
        outputs=_outputs(session.get_outputs()),
        form=_form(name, session.get_inputs()),
    )
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    model = ServedModel(
        name=name, version=1, path=HERE, engine="onnx", file=file.name, files={file.name: digest}, signature=signature
    )
    sample = _sample(file, model, signature)
    return Service(format=1, name=name, models=(msgspec.structs.replace(model, sample=sample),))


def _form(name: str, inputs: Sequence[Any]) -> Form:
    if not inputs:
        raise EngineError(name, "it has no inputs", _HINT)
    if len(inputs) == 1:
        return "array"
    return "frame" if all(len(one.shape) == 1 or one.shape[1:] == [1] for one in inputs) else "tensors"


def _input(name: str, given: Any) -> Field:
    kind = _type(given)
    if kind is None or not given.shape:
        problem = f"its input {given.name!r} is {given.type} of the shape {given.shape}, which rows cannot fill"
        raise EngineError(name, problem, _HINT)
    return Field(name=given.name, type=kind, shape=_shape(given))


def _outputs(given: Sequence[Any]) -> tuple[Field, ...]:
    """Describe the outputs, if all are rows of values; where they are not, the engine answers what there is."""
    kinds = [_type(one) if one.shape else None for one in given]
    if None in kinds:
        return ()
    return tuple(
        Field(name=one.name, type=cast("Type", kind), shape=_shape(one)) for one, kind in zip(given, kinds, strict=True)
    )


def _type(given: Any) -> Type | None:
    inside = given.type.removeprefix("tensor(").removesuffix(")")
    inside = _NAMES.get(inside, inside)
    return inside if inside in get_args(Type) else None


def _shape(given: Any) -> tuple[int | None, ...]:
    return (None, *(size if isinstance(size, int) and size > 0 else None for size in given.shape[1:]))


def _sample(file: Path, model: ServedModel, signature: Signature) -> Sample | None:
    """Make a row up, and let the model answer it; None if it is too long, or is not answered twice alike."""
    if sum(prod(size or 1 for size in field.shape[1:]) for field in signature.inputs) > _MAX_VALUES:
        return None
    if signature.form == "frame":
        request: Any = {"data": [{field.name: _value(field, at) for at, field in enumerate(signature.inputs)}]}
    elif signature.form == "tensors":
        request = {"data": {field.name: [_filled(field)] for field in signature.inputs}}
    else:
        request = {"data": [_filled(signature.inputs[0])]}
    place = Placement(
        folder=file.parent, service=Service(format=1, name=model.name, models=(model,)), limits=Limits(), threads=1
    )
    engine = OnnxEngine(model, place)
    engine.load(lambda _phase: None)
    work = engine.decode(PlainRequest(body=orjson.dumps(request)))
    try:
        first, second = (_content(engine.run([work])[0]) for _ in range(2))
    except Exception:  # noqa: BLE001 - the row is made up: that the model does not take it says nothing about others
        return None
    return Sample(request=request, answer=first) if find_difference(first, second) is None else None


def _filled(field: Field) -> Any:
    count = prod(size or 1 for size in field.shape[1:])
    values = [_value(field, at) for at in range(count)]
    for size in reversed(field.shape[2:]):
        values = [values[at : at + (size or 1)] for at in range(0, len(values), size or 1)]
    return values if len(field.shape) > 1 else values[0]


def _value(field: Field, at: int) -> Any:
    if field.type == "string":
        return "a"
    if field.type == "bool":
        return at % 2 == 0
    return next(islice(cycle(_FLOATS), at, None)) if field.type.startswith("float") else 1


def _content(answer: Any) -> Any:
    if isinstance(answer, RequestError):
        raise answer
    return orjson.loads(answer)


def _main(file: Path) -> int:
    out = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no part of the answer
    try:
        text = msgspec.json.encode(describe(file))
        status = 0
    except (StartError, ValueError) as error:
        text, status = str(error).encode(), 1
    with os.fdopen(out, "wb") as stream:
        stream.write(text)
    return status


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
