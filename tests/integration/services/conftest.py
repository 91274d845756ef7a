"""Services with all that is theirs: a runner in its own process, a real Envoy, real scoring servers."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.services.ending import end_all
from tests.integration.services.scripts import register_nothing, script

from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace

MakeImage = Callable[..., Image]


@pytest.fixture(scope="module")
def yard() -> Iterator[Workspace]:
    """Give a workspace for the tests of a file, each with services of its own; all that runs ends with it."""
    with new_yard() as workspace:
        yield workspace


@contextmanager
def new_yard() -> Iterator[Workspace]:
    """Make a workspace with a router of its own; all that runs of it ends with it."""
    folder = Path(tempfile.mkdtemp(prefix="services-"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MODELYARD_HOME", str(folder / "home"))
        with Workspace.create("services", path=folder) as workspace:
            register_nothing(workspace)
            yield workspace
            end_all(workspace)
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _own_settings: None) -> None:
    """Have runners that a test starts use the router of its workspace."""
    if "yard" in request.fixturenames:
        monkeypatch.setenv("MODELYARD_HOME", str(request.getfixturevalue("yard").settings.home))


@pytest.fixture
def name() -> str:
    """Give the name of a service that no other test has."""
    return f"s{uuid.uuid4().hex[:8]}"


@pytest.fixture
def image(yard: Workspace, name: str, tmp_path: Path) -> MakeImage:
    """Give what makes images of scripts, which are versions of one name."""
    return lambda **how: script(yard, tmp_path, name, **how)
