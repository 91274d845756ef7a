"""What the runner does for services: it brings about what their rows say, and keeps it so."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterable

from msgspec.structs import replace

from modelyard.errors import NotFoundError
from modelyard.runner.holder import Lease
from modelyard.sdk.service.advancing import Advancing
from modelyard.sdk.service.held import Held
from modelyard.sdk.service.installed import Machine
from modelyard.sdk.service.observation import Observation
from modelyard.sdk.service.replicas import Replicas
from modelyard.sdk.service.supervision import Supervision
from modelyard.sdk.service.traffic import Traffic
from modelyard.sdk.workspace import Workspace
from modelyard.services.progress import KIND, DueQuery, Forget
from modelyard.services.rollout import Failure

_LOOK = 0.5
"""Seconds between two looks at a service that is as it should be."""


class ServiceReconciler:
    """Looks after the services of a workspace that run on this machine, and those that run nowhere yet."""

    kind = KIND

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._kept: dict[str, tuple[int, Supervision, Observation]] = {}
        self._machine = Machine(workspace.settings)

    def due(self) -> Iterable[str]:
        """Name the services of this machine for which there is anything to do; one that should run is always due."""
        return self._workspace.backend.service_progress.due(DueQuery(machine=platform.node())).names

    def step(self, key: str, lease: Lease) -> float | None:
        """Bring a service nearer to what is wanted."""
        try:
            held = Held(self._workspace, key, lease)
        except NotFoundError:
            self._let_go(key)
            return None
        supervision, observation = self._of(key, lease)
        traffic = Traffic(held, self._machine)

        def supervise() -> None:
            supervision.step(held, replicas, traffic, observation)

        replicas = Replicas(held, self._machine, supervise)
        advancing = Advancing(held, replicas, traffic, observation)
        if held.standing.machine != platform.node():
            held.advance(standing=held.stand())
        if held.info.wanted != "running":
            _end(held, replicas, traffic, advancing)
            if held.info.wanted == "deleted":
                _forget(held)
            self._let_go(key)
            return None
        supervise()  # first: a reboot may have ended what is to be judged
        wait = _LOOK if held.rollout is None else advancing.step()
        if held.rollout is None and held.standing.serving is None:
            supervision.sweep(held, replicas)
            held.advance(settled=True)
            self._let_go(key)
            return None
        return wait

    def _of(self, key: str, lease: Lease) -> tuple[Supervision, Observation]:
        """Give what is remembered of a service since its lease was taken."""
        token, supervision, observation = self._kept.get(key) or (lease.token, Supervision(), Observation())
        if token != lease.token:
            observation.close()
            supervision, observation = Supervision(), Observation()
        self._kept[key] = (lease.token, supervision, observation)
        return supervision, observation

    def _let_go(self, key: str) -> None:
        if (kept := self._kept.pop(key, None)) is not None:
            kept[2].close()


def _end(held: Held, replicas: Replicas, traffic: Traffic, advancing: Advancing) -> None:
    """End all that runs of a service."""
    while held.rollout is not None:
        advancing.end("superseded", Failure(phase="traffic", message=f"its service was {held.info.wanted}"))
    traffic.remove()
    for revision in held.look.revisions:
        replicas.clear(revision.number)
    held.advance(standing=replace(held.stand(traffic={}, problem=""), standby={}), settled=True)


def _forget(held: Held) -> None:
    """Remove the files of a service, and its rows."""
    held.lease.check()
    shutil.rmtree(held.folder, ignore_errors=True)
    held.workspace.backend.service_progress.forget(held.name, Forget(token=held.lease.token))
