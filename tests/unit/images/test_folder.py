"""The model folder as the toolkit writes it, read as the scoring server reads it."""

from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from modelyard.backend.embedded import over
from modelyard.models.model import NewModelVersion
from modelyard.models.signature import Field, Signature
from modelyard.services.errors import NotServableError
from modelyard.services.folder import ModelFolder
from modelyard.store.store import Store
from modelyard.store.tree import Entry, Tree
from modelyard_scoring.service.folder import read_service, verify_model

SIGNATURE = Signature(inputs=(Field(name="input", type="float32", shape=(None, 2)),))


def _folder(store: Store, *files: str, signature: Signature = SIGNATURE) -> ModelFolder:
    backend = over(store)
    entries = [Entry(path=name, sha256=store.blobs.put(name.encode()), size=len(name)) for name in files]
    tree = backend.trees.create(Tree.of(entries)).digest
    version = backend.models.register("digits", NewModelVersion(tree=tree, signature=signature))
    return ModelFolder("serve", [version], backend.trees, backend.blobs)


@pytest.fixture
def store(tmp_path: Path):
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def test_the_scoring_server_reads_what_the_toolkit_writes(store: Store, tmp_path: Path) -> None:
    _folder(store, "model/model.onnx", "model/vocabulary.txt").write(tmp_path / "out")

    service = read_service(tmp_path / "out")
    (model,) = service.models
    verify_model(tmp_path / "out", model)
    assert (service.name, model.name, model.version, model.file) == ("serve", "digits", 1, "model/model.onnx")
    assert model.signature is not None
    assert model.signature.inputs[0].name == "input"


@pytest.mark.parametrize("form", get_args(get_type_hints(Signature)["form"]))
def test_the_scoring_server_knows_every_form_of_the_toolkit(store: Store, tmp_path: Path, form: Any) -> None:
    signature = Signature(inputs=(Field(name="x", type="float32", shape=(None,)),), form=form)
    _folder(store, "model.onnx", signature=signature).write(tmp_path / "out")
    (model,) = read_service(tmp_path / "out").models
    assert msgspec.to_builtins(model.signature) == msgspec.to_builtins(signature)


@pytest.mark.parametrize("files", [("model.pkl",), ("model/a.onnx", "model/b.onnx")])
def test_what_is_not_one_onnx_model_is_refused_before_anything_is_written(store: Store, files: tuple[str, ...]) -> None:
    with pytest.raises(NotServableError, match="digits:1 cannot be served"):
        _folder(store, *files)
