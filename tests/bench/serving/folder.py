"""Model folders for our own server, and the keys with which it is asked."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from tests.bench.serving.material import WIDTH, Model, right_answers, rows

KEY = "a-key-of-the-benchmark-0123456789"


def model_folder(folder: Path, model: Model) -> Path:
    """Write the folder of a service with one model, with a sample and its answer."""
    place = folder / "models" / "digits" / "1"
    place.mkdir(parents=True)
    shutil.copy(model.file, place)
    entry = {
        "name": "digits",
        "version": 1,
        "path": "models/digits/1",
        "engine": "onnx",
        "file": model.file.name,
        "files": {model.file.name: hashlib.sha256(model.file.read_bytes()).hexdigest()},
        "signature": _signature(model),
        "sample": _sample(model),
    }
    return _write(folder, {"models": [entry]})


def script_folder(folder: Path, script: Path) -> Path:
    """Write the folder of a service that runs a script."""
    (folder / "code").mkdir(parents=True)
    shutil.copy(script, folder / "code")
    return _write(folder, {"models": [], "code": {"path": "code", "entry": script.name}})


def keys_file(folder: Path) -> Path:
    """Write the keys of a service."""
    file = folder / "keys.json"
    file.touch(0o600)
    file.write_text(json.dumps({"primary": KEY, "secondary": KEY[::-1]}))
    return file


def _write(folder: Path, content: dict[str, Any]) -> Path:
    (folder / "service.json").write_text(json.dumps({"format": 1, "name": "bench", "code": None, **content}))
    return folder


def _signature(model: Model) -> dict[str, Any]:
    plain = {"nullable": False, "categories": None}
    outputs = [{"name": name, "type": kind, "shape": [None, *shape]} for name, kind, shape in model.outputs]
    inputs = [{"name": "input", "type": "float32", "shape": [None, WIDTH], **plain}]
    return {"inputs": inputs, "outputs": outputs, "form": "array"}


def _sample(model: Model) -> dict[str, Any]:
    given = rows(1)
    answer = {name: array.tolist() for name, array in right_answers(model, given).items()}
    return {"request": {"data": given.tolist()}, "answer": answer}
