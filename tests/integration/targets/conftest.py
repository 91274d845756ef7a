"""Images with a script, and replicas of them that leave nothing behind."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.targets.placement import Place, placing

from modelyard.images import InferenceConfig, ResourceConfig
from modelyard.sdk.image.image import Image
from modelyard.sdk.model.model import Model
from modelyard.sdk.workspace import Workspace

MODE = "careful $(id) `id` \" ' ${HOME} \\ #"
SCRIPT = """
import json, os, time
from pathlib import Path

def init():
    global factor
    print("a line of init")
    factor = int((Path(os.environ["AZUREML_MODEL_DIR"]) / "factor.txt").read_text())

def run(data):
    asked = json.loads(data)
    if "write" in asked:
        return write(asked["write"])
    if "seen" in asked:
        return seen()
    if "allocate" in asked:
        return len(bytearray(b"x" * (asked["allocate"] << 20)))
    if "sleep" in asked:
        print("a line of sleep")
        time.sleep(asked["sleep"])
    return [x * factor for x in asked["data"]]

def write(paths):
    answer = {}
    for path in paths:
        try:
            Path(path, "x").write_text("x")
            answer[path] = "written"
        except OSError as error:
            answer[path] = error.strerror
    return answer

def seen():
    models = Path(os.environ["AZUREML_MODEL_DIR"])
    root = Path(os.environ["AML_APP_ROOT"]).parent
    files = [p.relative_to(root) for p in root.rglob("*") if p.is_file()]
    ours = ("AZUREML_", "AML_", "MODEL_", "ORT_", "PYTHONUNBUFFERED")
    return {
        "files": sorted(str(p) for p in files if "__pycache__" not in p.parts),
        "models": str(models.relative_to(root)),
        "app": str(Path(os.environ["AML_APP_ROOT"]).relative_to(root)),
        "mode": os.environ["MODE"],
        "names": sorted(n for n in os.environ if n.startswith(ours)),
        "status": Path("/proc/self/status").read_text(),
        "uid": os.getuid(),
        "home": os.environ["HOME"],
    }
"""


@contextmanager
def _opened(folder: Path) -> Iterator[Workspace]:
    os.environ["MODELYARD_HOME"] = str(folder / "home")
    with Workspace.create("targets", path=folder) as workspace:
        (folder / "factor.txt").write_text("3")
        Model.register(workspace, model_path=folder / "factor.txt", model_name="factor")
        yield workspace


@pytest.fixture(scope="module")
def module_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Open a workspace for all tests of a module."""
    with _opened(tmp_path_factory.mktemp("module")) as workspace:
        yield workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Open a workspace for one test."""
    with _opened(tmp_path) as workspace:
        yield workspace


@pytest.fixture
def image(workspace: Workspace, tmp_path: Path) -> Callable[..., Image]:
    """Give what makes an image of the script, or of another, in the test's workspace."""
    return lambda script=SCRIPT, **said: make_image(workspace, tmp_path, script, **said)


def make_image(workspace: Workspace, folder: Path, script: str = SCRIPT, **said: Any) -> Image:
    """Make an image of a script; what is `said` goes to its configuration, `memory` and `workers` to its resources."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "score.py").write_text(script)
    (folder / "requirements.txt").write_text("idna==3.7\n")
    resources = ResourceConfig(**{"memory": "512MiB", **{n: said.pop(n) for n in ("memory", "workers") if n in said}})
    given = {"variables": {"MODE": MODE}, "extra_docker_file_steps": ["RUN true"], **said}
    inference = InferenceConfig(
        entry_script="score.py", source_directory=source, environment=folder / "requirements.txt", **given
    )
    return Image.create(workspace, "scaling", ["factor"], inference=inference, resources=resources, trial=False)


@pytest.fixture
def place(workspace: Workspace) -> Iterator[Place]:
    """Give what places replicas in the test's workspace."""
    with placing(workspace) as begin:
        yield begin


@pytest.fixture(scope="session")
def engine(docker_engine: Any) -> Iterator[Any]:
    """Give a client of the engine; the images that are named by their digest and made meanwhile are removed."""
    before = {tag for one in docker_engine.images.list() for tag in one.tags}
    yield docker_engine
    for one in docker_engine.images.list():
        for tag in set(one.tags) - before:
            if tag.startswith("modelyard-image:"):
                docker_engine.images.remove(tag, force=True)
