"""From estimators to registered ONNX models: those in hand, and those that are registered as pickles.

A pickle runs code when it is read, so a registered one is read in a process of its own: this module run as a
program, ``python -m modelyard.sdk.model.conversion FOLDER``. What it finds in the folder was written by the process
that asked, and only plain data comes back.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from modelyard.models.errors import EstimatorNotReadError
from modelyard.models.model import ModelVersion
from modelyard.models.signature import Sample, Signature
from modelyard.onnx.certificate import Attempt, Certificate, Tolerance
from modelyard.onnx.errors import ConversionError, ConversionRefusedError, NotConvertibleError, UnsupportedSampleError
from modelyard.sdk.model.lineage import DERIVED_FROM
from modelyard.sdk.model.registration import CERTIFICATE, MODEL, SAMPLE, SIGNATURE, Said, register_tree
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Entry, Tree, materialise

if TYPE_CHECKING:
    from modelyard.onnx.conversion import Conversion
    from modelyard.sdk.model.model import Model

_PICKLES = (".pkl", ".pickle", ".joblib", ".sav")
_TIMEOUT = 1800.0


class Asked(Struct, frozen=True, kw_only=True):
    """How to convert: the sample's rows, the tolerance, and whether to take a model that is not within it."""

    sample: Any
    tolerance: Tolerance | None = None
    accept: bool = False


class _Task(Struct, frozen=True, kw_only=True):
    """What the process is told."""

    estimator: str
    tolerance: Tolerance | None
    accept: bool


class _Proof(Struct, frozen=True, kw_only=True):
    """What goes with the model that lies beside this."""

    signature: Signature
    sample: Sample
    certificate: Certificate


class _Outcome(Struct, frozen=True, kw_only=True):
    """What the process says: that there is a model, or why there is none."""

    proof: _Proof | None = None
    certificate: Certificate | None = None
    attempts: tuple[Attempt, ...] = ()
    estimator: str = ""
    reason: str = ""
    failed: str = ""


def keep_conversion(blobs: Blobs, conversion: Conversion) -> dict[str, Entry]:
    """Keep a conversion as four files: the model, its signature, sample and certificate."""
    contents = {
        MODEL: conversion.model,
        SIGNATURE: _written(conversion.signature),
        SAMPLE: msgspec.json.encode(conversion.sample),
        CERTIFICATE: _written(conversion.certificate),
    }
    return {name: Entry(path=name, sha256=blobs.put(data), size=len(data)) for name, data in contents.items()}


def convert_registered(model: Model, asked: Asked, name: str) -> ModelVersion:
    """Convert the estimator that a version holds, in a process of its own, and register the result.

    Raises
    ------
    EstimatorNotReadError
        If no estimator can be read.
    ConversionError
        If it cannot be converted, or the result answers otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="modelyard-onnx-") as place:
        conversion = _converted(model, asked, Path(place))
    files = keep_conversion(model.backend.blobs, conversion)
    info = model.info
    said = Said(
        tags=info.tags,
        properties={DERIVED_FROM: info.id},
        description=info.description,
        framework="onnx",
        datasets=info.datasets,
        signature=conversion.signature,
        environment=model.lock,
        run_id=info.run_id,
    )
    proof = {"sample": files[SAMPLE].sha256, "certificate": files[CERTIFICATE].sha256}
    return register_tree(model.workspace, name, Tree.of([files[MODEL]]), said, **proof)


def _converted(model: Model, asked: Asked, place: Path) -> Conversion:
    from modelyard.onnx.conversion import Conversion

    materialise(model.tree, model.backend.blobs, place / "files")
    task = _Task(estimator=_estimator_file(model), tolerance=asked.tolerance, accept=asked.accept)
    (place / "task.json").write_bytes(msgspec.json.encode(task))
    (place / "sample.pickle").write_bytes(pickle.dumps(asked.sample))
    _run(model, place)
    outcome = msgspec.json.decode((place / "outcome.json").read_bytes(), type=_Outcome)
    if outcome.proof is None:
        raise _error(model, outcome)
    return Conversion(model=(place / MODEL).read_bytes(), **msgspec.structs.asdict(outcome.proof))


def _estimator_file(model: Model) -> str:
    files = list(model.tree.files)
    found = files if len(files) == 1 else [path for path in files if path.endswith(_PICKLES)]
    if len(found) != 1:
        raise EstimatorNotReadError(model.info.id, f"it holds {', '.join(files[:8])}")
    return found[0]


def _run(model: Model, place: Path) -> None:
    """Run the process; its classes are looked for where this process would look for them."""
    search = os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)
    environment = os.environ | {"PYTHONPATH": search, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-P", "-m", "modelyard.sdk.model.conversion", str(place)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise EstimatorNotReadError(model.info.id, f"it took more than {_TIMEOUT:g} s") from None
    if not (place / "outcome.json").is_file():
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise EstimatorNotReadError(model.info.id, f"the process ended with {done.returncode} {' '.join(last)}".strip())


def _error(model: Model, outcome: _Outcome) -> Exception:
    if outcome.failed == ConversionRefusedError.code and outcome.certificate is not None:
        return ConversionRefusedError(outcome.estimator, outcome.certificate)
    if outcome.failed == NotConvertibleError.code:
        return NotConvertibleError(outcome.estimator, outcome.attempts)
    if outcome.failed == UnsupportedSampleError.code:
        return UnsupportedSampleError(outcome.reason)
    return EstimatorNotReadError(model.info.id, outcome.reason)


def _written(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value))


def _attempt(place: Path) -> _Outcome:
    """Read the estimator and convert it; this is where the pickle's code runs."""
    import joblib  # type: ignore[import-untyped]

    from modelyard.onnx.conversion import convert

    task = msgspec.json.decode((place / "task.json").read_bytes(), type=_Task)
    sample = pickle.loads((place / "sample.pickle").read_bytes())  # noqa: S301 - written by the process that asked
    try:
        estimator = joblib.load(place / "files" / task.estimator)
    except Exception as error:  # noqa: BLE001 - a pickle runs any code, which raises whatever it likes
        return _Outcome(failed=EstimatorNotReadError.code, reason=_why(error))
    try:
        conversion = convert(estimator, sample, tolerance=task.tolerance, accept=task.accept)
    except ConversionError as error:
        return _Outcome(failed=error.code, **_facts(error))
    (place / MODEL).write_bytes(conversion.model)
    return _Outcome(proof=_Proof(**{name: getattr(conversion, name) for name in _Proof.__struct_fields__}))


def _why(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}"
    if "__main__" in text:
        text += ". Its class was defined in the script itself: move it into a module that can be imported"
    return text


def _facts(error: ConversionError) -> dict[str, Any]:
    return {
        name: getattr(error, name) for name in ("estimator", "certificate", "attempts", "reason") if name in vars(error)
    }


def main() -> None:
    """Convert what lies in the folder that the command line names, and write the outcome there."""
    place = Path(sys.argv[1])
    outcome = _attempt(place)
    part = place / "outcome.part"
    part.write_bytes(msgspec.json.encode(outcome))
    part.rename(place / "outcome.json")


if __name__ == "__main__":
    main()
