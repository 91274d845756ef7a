"""One fresh datastore a test, of each kind there is, and of each way that a workspace is reached."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.contract.conftest import WAYS, fresh

from modelyard import Datastore, Workspace
from modelyard.settings import Settings

KINDS = ("folder",)


@pytest.fixture(params=[*WAYS, *KINDS])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Datastore]:
    """Hold an empty datastore: of the workspace itself, reached in each way, and of each other kind."""
    with fresh(request.param if request.param in WAYS else "sqlite", request, tmp_path) as opens:
        backend = opens()
        workspace = Workspace(backend, Settings.read())
        yield workspace.get_default_datastore() if request.param in WAYS else _registered(workspace, tmp_path / "root")
        backend.close()


def _registered(workspace: Workspace, root: Path) -> Datastore:
    root.mkdir()
    return Datastore.register_folder(workspace, "data", root)


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
