"""One fresh datastore a test, of each kind there is, and of each way that a workspace is reached."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.contract.conftest import WAYS, fresh
from tests.contract.data import azure

from modelyard import Datastore, Workspace
from modelyard.settings import Settings


@pytest.fixture(params=[*WAYS, "folder", "azure"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Datastore]:
    """Hold an empty datastore: of the workspace itself, reached in each way, and of each other kind."""
    with fresh(request.param if request.param in WAYS else "sqlite", request, tmp_path) as opens:
        backend = opens()
        workspace = Workspace(backend, Settings.read())
        yield _MAKE.get(request.param, _of_the_workspace)(workspace, request, tmp_path)
        backend.close()


def _of_the_workspace(workspace: Workspace, *_: object) -> Datastore:
    return workspace.get_default_datastore()


def _folder(workspace: Workspace, _request: pytest.FixtureRequest, tmp_path: Path) -> Datastore:
    (tmp_path / "root").mkdir()
    return Datastore.register_folder(workspace, "data", tmp_path / "root")


def _azure(workspace: Workspace, request: pytest.FixtureRequest, _tmp_path: Path) -> Datastore:
    request.getfixturevalue("monkeypatch").setenv(azure.VARIABLE, azure.KEY)
    return azure.register(workspace, request.getfixturevalue("azurite_url"))


_MAKE = {"folder": _folder, "azure": _azure}


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[..., Path]:
    """Write files below a folder, by their paths."""

    def call(name: str, files: dict[str, str]) -> Path:
        for path, text in files.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path / name

    return call
