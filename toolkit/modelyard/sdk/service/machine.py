"""What runs of a workspace on this machine: brought up again as its rows say, and ended without a change of those.

A reboot, a loss of power and `down` leave the same behind: rows that say what should run, and nothing that does. The
runner mends that, so bringing up is to have a runner, and to look until everything answers.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from modelyard.errors import MissingExtraError, ModelyardError, NotFoundError
from modelyard.paging import every
from modelyard.runner.attendance import Attendance
from modelyard.runner.holder import Lease
from modelyard.runner.lease import LeaseQuery, lease_key
from modelyard.runner.runner import Pace, Runner
from modelyard.sdk.runner import ensure_runner
from modelyard.sdk.service.held import Held
from modelyard.sdk.service.installed import Machine
from modelyard.sdk.service.places import route_name
from modelyard.sdk.service.replicas import Replicas
from modelyard.sdk.service.scoring import unanswered
from modelyard.sdk.service.traffic import Traffic
from modelyard.sdk.service.waiting import told_of
from modelyard.sdk.workspace import Workspace
from modelyard.services.progress import KIND
from modelyard.services.router import find_router
from modelyard.services.service import ServiceInfo, ServiceQuery

_LOOK = 0.25
"""Seconds between two looks at services that do not answer yet."""
_ASK = 5.0
"""Seconds after which it is made sure again that a runner looks after the workspace."""

Say = Callable[[str], None]


class Upkept(Struct, frozen=True, kw_only=True):
    """A service that was to be brought up or ended here; `problem` says why it is not so, and is empty if it is."""

    service: str
    url: str = ""
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.service}: {self.problem or self.url or 'ended'}"


class Ended(Struct, frozen=True, kw_only=True):
    """What was ended: the runner's process, None if there was none; services; and whether the router is."""

    runner: int | None
    services: tuple[Upkept, ...]
    router: bool


def up(workspace: Workspace, timeout: float, say: Say) -> tuple[Upkept, ...]:
    """Have a runner look after an embedded workspace, and wait until each service that should run here answers.

    Parameters
    ----------
    timeout
        Seconds after which those that do not answer are returned with why not.
    say
        Takes a line for each service, and another one whenever there is more to say of it.

    Raises
    ------
    RunnerNotStartedError
        If no runner can be started.
    """
    deadline, asked = time.monotonic() + timeout, float("-inf")
    names = [info.name for info in _services(workspace) if _should_run(info, say)]
    told, here = dict[str, Upkept](), Machine(workspace.settings)
    while True:
        if time.monotonic() >= asked + _ASK:
            ensure_runner(workspace)
            asked = time.monotonic()
        for one in (found := tuple(_looked_at(workspace, name, here) for name in names)):
            if told.get(one.service) != one:
                say(str(one))
                told[one.service] = one
        if not any(one.problem for one in found) or time.monotonic() > deadline:
            return found
        time.sleep(_LOOK)


def down(workspace: Workspace, timeout: float, say: Say) -> Ended:
    """End the runner of an embedded workspace and all that runs of it on this machine; what is wanted stays.

    The router goes on if it serves another workspace.

    Parameters
    ----------
    timeout
        Seconds for the step that the runner has in hand, and then for the services.

    Raises
    ------
    RunnerStaysError
        If the runner does not end in time.
    """
    looking, ending = Attendance(Path(workspace.location)), _Ending(workspace, say)
    if (pid := looking.stop(timeout)) is not None:
        say(f"ended the runner {pid}")
    names = tuple(ending.due())
    runner = Runner(workspace.backend.leases, [ending], f"{platform.node()}/{os.getpid()}"[-250:], Pace(idle=0.0))
    timer = threading.Timer(timeout, runner.stop)
    timer.start()
    try:
        looking.attend(runner)
    finally:
        timer.cancel()
    left = set(ending.due())
    services = tuple(Upkept(service=name, problem=_why(workspace, name) if name in left else "") for name in names)
    return Ended(runner=pid, services=services, router=_ends_router(workspace))


class _Ending:
    """Ends what runs of services on this machine, under their leases, and writes down that it does not run."""

    kind = KIND

    def __init__(self, workspace: Workspace, say: Say) -> None:
        self._workspace = workspace
        self._say = say
        self._machine = Machine(workspace.settings)

    def due(self) -> Iterable[str]:
        """Name the services of this machine that have replicas, or a way through the router."""
        progress, mine = self._workspace.backend.service_progress, platform.node()
        names = [info.name for info in _services(self._workspace) if info.standing.machine == mine]
        routes = _routes(self._workspace) if names else ()
        for name in names:
            has_replicas = any(revision.replicas for revision in progress.look(name).revisions)
            if has_replicas or route_name(self._workspace, name) in routes:
                yield name

    def step(self, key: str, lease: Lease) -> None:
        """End a service: requests that are under way are answered before."""
        held = Held(self._workspace, key, lease)
        replicas = Replicas(held, self._machine)
        Traffic(held, self._machine).remove()
        for revision in held.look.revisions:
            replicas.clear(revision.number)
        self._say(f"{key}: ended")


def _services(workspace: Workspace) -> Iterator[ServiceInfo]:
    return every(workspace.backend.services.list, ServiceQuery())


def _should_run(info: ServiceInfo, say: Say) -> bool:
    under_way = info.rollout is not None and not info.rollout.is_ended
    if info.wanted != "running" or (info.standing.serving is None and not under_way):
        return False
    if info.standing.machine in ("", platform.node()):
        return True
    say(f"{info.name}: runs on the machine {info.standing.machine}, and this one is {platform.node()}")
    return False


def _looked_at(workspace: Workspace, name: str, here: Machine) -> Upkept:
    try:
        info = workspace.backend.services.get(name)
    except NotFoundError:  # deleted meanwhile
        return Upkept(service=name)
    if info.wanted != "running":
        return Upkept(service=name)
    try:
        return Upkept(service=name, url=info.standing.url, problem=_problem(info, here))
    except (ModelyardError, OSError) as error:
        return Upkept(service=name, url=info.standing.url, problem=str(error))


def _problem(info: ServiceInfo, here: Machine) -> str:
    """Look whether the replicas run and the address answers, whatever the rows say; say why not."""
    standing, rollout, settings = info.standing, info.rollout, info.settings
    if standing.serving is None:
        return "" if rollout is None else rollout.reason or told_of(rollout)
    target = here.target(info.revision.target)
    running = sum(target.observe(one.placed).state == "running" for one in info.revision.ready)
    if running < settings.replicas:
        why = f": {standing.problem}" if standing.problem else ""
        return f"{running} of {settings.replicas} replicas run{why}"
    return unanswered(standing.url, settings.tls.certificate if settings.tls else None)


def _why(workspace: Workspace, name: str) -> str:
    leases = every(workspace.backend.leases.list, LeaseQuery(limit=1000))
    reasons = {one.key: one.reason for one in leases if one.reason}
    return reasons.get(lease_key(KIND, name), "its end takes longer")


def _routes(workspace: Workspace) -> set[str]:
    try:
        return {route.service for route in find_router(workspace.settings).routes()}
    except MissingExtraError:
        return set()


def _ends_router(workspace: Workspace) -> bool:
    try:
        router = find_router(workspace.settings)
    except MissingExtraError:
        return True
    if router.routes():
        return False
    router.stop()
    return True
