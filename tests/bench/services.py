"""How long a service takes: from an image that exists to answers, back to the revision before."""

import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.serving.material import digits, right_answers, rows

from modelyard.images.inference import NONE, InferenceConfig, ResourceConfig
from modelyard.sdk.image.image import Image
from modelyard.sdk.model.model import Model
from modelyard.sdk.runner import attendance
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings

_TARGETS = ("process", "container")
FIGURES = tuple(
    figure
    for target in _TARGETS
    for figure in (
        Figure(
            name=f"service-deploy-{target}",
            title=f"{target}: an image that exists, until the service answers",
            unit="s",
            more=False,
            targets=(Target(bound=3),),
        ),
        Figure(
            name=f"service-first-{target}",
            title="the same, with the runner and the router to be started",
            unit="s",
            more=False,
        ),
        Figure(
            name=f"service-rollback-{target}",
            title=f"{target}: back to the revision before, which had ended",
            unit="s",
            more=False,
            targets=(Target(bound=2),),
        ),
    )
)


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured; nobody but us takes part."""
    return {OURS: partial(_ours, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for target in _TARGETS if has_engine() else _TARGETS[:1]:
        found |= _measured(ground, folder / target, target)
    return found


def _measured(ground: Ground, folder: Path, target: str) -> dict[str, float]:
    settings = Settings(home=folder / "home", cache=Settings.read().cache)
    folder.mkdir(parents=True)
    with Workspace.create("bench", path=folder, settings=settings) as workspace:
        images = _images(ground, workspace, target)
        Service.deploy(workspace, "warm", images[0], target=target).delete()  # what is kept of an image is kept now
        Service.deploy(workspace, "warm", images[1], target=target).delete()
        looking = attendance(workspace)
        assert looking is not None
        looking.stop()
        try:
            first = _seconds(lambda: Service.deploy(workspace, "first", images[0], target=target))
            deploy = _seconds(lambda: Service.deploy(workspace, "digits", images[0], target=target))
            service = Service.deploy(workspace, "digits", images[1], target=target)
            _until_ended(service, 1)
            rollback = _seconds(service.rollback)
        finally:
            for one in Service.list(workspace):
                one.delete()
            looking.stop()
    return {
        f"service-first-{target}": first,
        f"service-deploy-{target}": deploy,
        f"service-rollback-{target}": rollback,
    }


def _images(ground: Ground, workspace: Workspace, target: str) -> list[Image]:
    model, given = digits(ground.folder), rows(8)
    sample = (given, right_answers(model, given))
    Model.register(workspace, model_path=model.file, model_name="digits", sample=sample)
    config = InferenceConfig(base_image=NONE if target == "process" else "slim")
    return [
        Image.create(workspace, "digits", ["digits"], inference=config, resources=ResourceConfig(workers=workers))
        for workers in (1, 2)
    ]


def _until_ended(service: Service, revision: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not next(one for one in service.revisions() if one.number == revision).replicas:
            return
        time.sleep(0.05)
    raise AssertionError(f"revision {revision} has not ended")


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def has_engine() -> bool:
    """Say whether containers can be run."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], check=False, capture_output=True).returncode == 0
