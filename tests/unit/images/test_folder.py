"""The model folder as the toolkit writes it, read as the scoring server reads it."""

from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from modelyard.backend.backend import Backend
from modelyard.backend.embedded import over
from modelyard.errors import DigestMismatchError
from modelyard.images.folder import ModelFolder
from modelyard.images.inference import CodeSample
from modelyard.images.spec import ImageCode, ImageModel, ImageSpec, PlatformPart, Resources
from modelyard.models.signature import Field, Signature
from modelyard.store.store import Store
from modelyard.store.tree import Entry, Tree
from modelyard_scoring.service.folder import read_service, verify_model

SIGNATURE = Signature(inputs=(Field(name="input", type="float32", shape=(None, 2)),))


def _tree(backend: Backend, *files: str) -> str:
    entries = [Entry(path=name, sha256=backend.blobs.put(name.encode()), size=len(name)) for name in files]
    return backend.trees.create(Tree.of(entries)).digest


def _folder(backend: Backend, **fields: Any) -> ModelFolder:
    tree = _tree(backend, "model/model.onnx", "model/vocabulary.txt")
    model = ImageModel(name="digits", version=1, tree=tree, file="model/model.onnx", signature=SIGNATURE)
    parts = (PlatformPart(platform="linux/amd64", lock=backend.blobs.put(b"{}")),)
    given = {
        "name": "serve",
        "models": (model,),
        "server": _tree(backend, "modelyard_scoring/__init__.py"),
        "parts": parts,
    }
    return ModelFolder(ImageSpec(**{**given, **fields}), backend.trees, backend.blobs)


@pytest.fixture
def backend(tmp_path: Path):
    opened = over(Store.open(tmp_path))
    yield opened
    opened.close()


def test_the_scoring_server_reads_what_the_toolkit_writes(backend: Backend, tmp_path: Path) -> None:
    resources = Resources(accelerator="openvino")
    _folder(backend, resources=resources, limits={"timeout": 2.5, "max_rows": 9}).write(tmp_path / "out")

    service = read_service(tmp_path / "out")
    (model,) = service.models
    verify_model(tmp_path / "out", model)
    assert (service.name, model.name, model.version, model.file) == ("serve", "digits", 1, "model/model.onnx")
    assert model.signature is not None
    assert model.signature.inputs[0].name == "input"
    assert (service.accelerator, service.limits.timeout, service.limits.max_rows) == ("openvino", 2.5, 9)


@pytest.mark.parametrize("form", get_args(get_type_hints(Signature)["form"]))
def test_the_scoring_server_knows_every_form_of_the_toolkit(backend: Backend, tmp_path: Path, form: Any) -> None:
    signature = Signature(inputs=(Field(name="x", type="float32", shape=(None,)),), form=form)
    model = ImageModel(name="m", version=1, tree=_tree(backend, "model.onnx"), file="model.onnx", signature=signature)
    _folder(backend, models=(model,)).write(tmp_path / "out")
    (model,) = read_service(tmp_path / "out").models
    assert msgspec.to_builtins(model.signature) == msgspec.to_builtins(signature)


def test_code_lies_beside_the_models_that_it_opens(backend: Backend, tmp_path: Path) -> None:
    sample = backend.blobs.put(msgspec.json.encode(CodeSample(request={"data": [1]}, answer=[2])))
    model = ImageModel(name="m", version=1, tree=_tree(backend, "m.pkl"), engine="script")
    tree = _tree(backend, "score.py", "part/helper.py")
    code = ImageCode(tree=tree, entry="score.py", concurrency=4, sample=sample)
    _folder(backend, models=(model,), code=code).write(tmp_path / "out")

    service = read_service(tmp_path / "out")
    assert service.code is not None
    assert (service.code.entry, service.code.application, service.code.concurrency) == ("score.py", None, 4)
    assert (tmp_path / "out/code/part/helper.py").read_text() == "part/helper.py"
    assert service.code.sample is not None
    assert (service.models[0].engine, service.code.sample.answer) == ("script", [2])


def test_the_server_of_the_image_is_kept_by_its_content(backend: Backend, tmp_path: Path) -> None:
    folder = _folder(backend)
    first, second = folder.server(tmp_path / "cache"), folder.server(tmp_path / "cache")

    assert first == second
    assert [path.name for path in first.iterdir()] == ["modelyard_scoring"]


def test_a_damaged_blob_is_not_written(backend: Backend, tmp_path: Path) -> None:
    folder = _folder(backend)
    damaged = backend.blobs.path(backend.blobs.put(b"model/vocabulary.txt"))  # type: ignore[attr-defined]
    damaged.chmod(0o644)
    damaged.write_bytes(b"MODEL/VOCABULARY.TXT")

    with pytest.raises(DigestMismatchError, match=r"vocabulary\.txt"):
        folder.write(tmp_path / "out")
