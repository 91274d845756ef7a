"""Updates, broken images, kills, a canary and a lack of memory under clients that ask all the time, at full length.

Each scenario fails the part when a request fails that may not; what may vary is a figure.
"""

import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench import services
from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.turns import say
from tests.integration.scoring.scenarios.report import Report
from tests.integration.services import scenarios
from tests.integration.services.ending import end_all, kill
from tests.integration.services.scripts import register_nothing, script

from modelyard.sdk.image.image import Image
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.service import ReplicaInfo
from modelyard.settings import Settings

ROUNDS = 1
_TARGETS = {"process": "processes", "container": "containers"}
_UPDATES, _KILLS = 10, 20
_PAUSE = 2.0
"""Seconds until a container that ran out of memory and has come back is asked again."""
_STEPS = ("RUN true",)
"""Makes of an image one for containers."""


def _failed(name: str, title: str = "the same: failed") -> Figure:
    return Figure(name=name, title=title, unit="", more=False, targets=(Target(bound=0),))


def _at_most(name: str, title: str, bound: float, unit: str = "s") -> Figure:
    return Figure(name=name, title=title, unit=unit, more=False, targets=(Target(bound=bound),))


def _requests(name: str, title: str) -> Figure:
    return Figure(name=name, title=f"{title}: requests", unit="", more=True)


FIGURES = (
    _requests("update-requests", "a service updated ten times, 200 requests a second"),
    _failed("update-failed", "the same: failed, or answered by a revision after it was replaced"),
    _requests("broken-requests", "seven revisions, each broken in its own way, 100 requests a second"),
    _failed("broken-failed"),
    _at_most("broken-returned", "the same: until the service has returned it, at most", 30),
    *(
        figure
        for target, several in _TARGETS.items()
        for figure in (
            _requests(f"kill-{target}-requests", f"one of two {several} killed, 20 times, 200 requests a second"),
            _failed(f"kill-{target}-failed"),
            _at_most(f"kill-{target}-back", "the same: until two serve again, at most", 5),
        )
    ),
    _requests("canary-requests", "a canary of a tenth, another user each time"),
    _at_most("canary-off", "the same: its share is off by", 1, "points"),
    _at_most("memory-p99", "a container runs out of memory every few seconds: p99 of another, by that before", 1.1, ""),
    Figure(name="memory-times", title="the same: how often in that minute", unit="", more=True),
)


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured; nobody but us takes part."""
    return {OURS: partial(_ours, ground)}


class _Yard:
    """A workspace with services, and how much is asked of them."""

    def __init__(self, workspace: Workspace, ground: Ground) -> None:
        self.workspace = workspace
        self._part = ground.sizes.requests / 100_000
        self.seconds = max(2.0, ground.sizes.storm)
        self.patience = max(3.0, 20 * self._part)

    def few(self, count: int) -> int:
        """Give the whole count in a measurement that means something, else a part of it."""
        return max(2, round(count * self._part))

    def image(self, name: str, **how: object) -> Image:
        return script(self.workspace, Path(self.workspace.location), name, **how)

    def deploy(self, name: str, image: Image, **how: object) -> Service:
        return Service.deploy(self.workspace, name, image, **how)


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    parts = [_updated, _broken, partial(_killed, target="process"), _shared]
    if services.has_engine():
        parts += [partial(_killed, target="container"), _starved]
    settings = Settings(home=folder / "home", cache=Settings.read().cache)
    found: dict[str, float] = {}
    with Workspace.create("bench", path=folder, settings=settings) as workspace:
        register_nothing(workspace)
        try:
            for part in parts:
                start = time.monotonic()
                figures = part(_Yard(workspace, ground))
                say(f"{', '.join(figures)}: {time.monotonic() - start:.0f} s")
                found |= figures
        finally:
            end_all(workspace)
    return found


def _counted(name: str, report: Report) -> dict[str, float]:
    asked = len(report.records)
    return {f"{name}-requests": asked, f"{name}-failed": asked - len(report.of(200).records)}


def _updated(yard: _Yard) -> dict[str, float]:
    """Update a service again and again; R4."""
    turns, requests = yard.few(_UPDATES), yard.few(100_000)
    images = yard.image("update", version=1), yard.image("update", version=2)
    service = yard.deploy("update", images[0])
    found = scenarios.update_in_turn(service, images, turns=turns, rate=200, requests=requests)
    scenarios.assert_each_took_over(found, turns=turns, requests=requests)
    service.delete()
    return _counted("update", found.report)


def _broken(yard: _Yard) -> dict[str, float]:
    """Deploy what is broken, in each way that there is; R5."""
    reports, seconds = [], []
    kinds = list(scenarios.BROKEN.items())
    for kind, broken in kinds[: yard.few(len(kinds))]:
        service = yard.deploy(kind, yard.image(kind, version=1))
        requests = -(-yard.few(20_000) // len(kinds))
        found = scenarios.deploy_broken(
            service, yard.image(kind, **broken.how), broken, rate=100, requests=requests, patience=yard.patience
        )
        scenarios.assert_returned(service, broken, found)
        service.delete()
        reports.append(found.asked.report)
        seconds.append(found.seconds)
    whole = Report([record for report in reports for record in report.records])
    return _counted("broken", whole) | {"broken-returned": max(seconds)}


def _killed(yard: _Yard, target: str) -> dict[str, float]:
    """Kill replicas, one of two at a time; R2."""
    name, times, requests = f"kill-{target}", yard.few(_KILLS), yard.few(20_000)
    made = yard.image(name, seconds=0.002, steps=_STEPS if target == "container" else ())
    service = yard.deploy(name, made, target=target, replicas=2)
    kill_one: Callable[[ReplicaInfo], None] = (
        _kill_container if target == "container" else lambda one: kill(*scenarios.servers_of_replica(service, one))
    )
    found = scenarios.kill_in_turn(service, kill_one, times=times, rate=200, requests=requests)
    found.report.assert_min_samples(requests).assert_all_answered()
    service.delete()
    return _counted(name, found.report) | {f"{name}-back": max(found.back)}


def _kill_container(replica: ReplicaInfo) -> None:
    facts = replica.placed.facts
    labels = [f"--filter=label={name}={value}" for name, value in facts.items() if name.startswith("modelyard.")]
    listed = subprocess.run(["docker", "ps", "--quiet", *labels], check=True, capture_output=True, text=True)
    (container,) = listed.stdout.split()
    subprocess.run(["docker", "kill", container], check=True, capture_output=True)


def _shared(yard: _Yard) -> dict[str, float]:
    """Give a canary a tenth; R35."""
    requests = yard.few(20_000)
    images = yard.image("canary", version=1), yard.image("canary", version=2)
    found = scenarios.share_out(yard.workspace, "canary", images, rate=400, requests=requests)
    scenarios.assert_shared_out(found, requests=requests)
    Service(yard.workspace, "canary").delete()
    return {"canary-requests": len(found.report.records), "canary-off": 100 * abs(found.share - 0.1)}


def _starved(yard: _Yard) -> dict[str, float]:
    """Have a container run out of memory again and again; R15."""
    bystander = yard.deploy("bystander", yard.image("bystander", steps=_STEPS), target="container")
    taking = yard.image("greedy", taking=600, memory="256MiB", steps=_STEPS)
    found = scenarios.starve(
        yard.deploy("greedy", taking, target="container"), bystander, rate=100, seconds=yard.seconds, pause=_PAUSE
    )
    found.before.assert_all_answered()
    found.meanwhile.assert_all_answered()
    p99 = found.meanwhile.typical(0.99, 5) / found.before.typical(0.99, 5)
    return {"memory-p99": p99, "memory-times": found.times}
