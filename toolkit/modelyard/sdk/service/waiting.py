"""Waiting for what the runner brings about, and telling how it goes."""

from __future__ import annotations

import time
from collections.abc import Callable

from modelyard.errors import NotFoundError, WaitTimeoutError
from modelyard.sdk.runner import ensure_runner
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.rollout import Failure, Rollout
from modelyard.services.service import ServiceInfo

_PAUSE = 0.05
_ASK = 5.0
"""Seconds after which it is made sure again that a runner looks after the workspace."""
_ALONE = 10.0
"""Seconds after which a service that no runner has taken is told of."""

Say = Callable[[str], None]
"""Takes a line that says what is being done."""


def silent(_: str) -> None:
    """Say nothing."""


class Watch:
    """Looks at something again and again, until it is so or the time is over."""

    def __init__(self, workspace: Workspace, timeout: float | None) -> None:
        self._workspace = workspace
        self._began = time.monotonic()
        self._asked = float("-inf")
        self._timeout = timeout
        self.pause(0.0)

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def pause(self, seconds: float = _PAUSE, what: str = "") -> None:
        """Let a moment pass, and make sure that somebody brings it about.

        Raises
        ------
        WaitTimeoutError
            If the time is over.
        """
        if self._timeout is not None and self.elapsed > self._timeout:
            raise WaitTimeoutError(what, self._timeout)
        if time.monotonic() >= self._asked + _ASK:
            ensure_runner(self._workspace)
            self._asked = time.monotonic()
        time.sleep(seconds)


def until_ended(workspace: Workspace, name: str, number: int, say: Say, timeout: float | None = None) -> Rollout:
    """Wait until a rollout has ended, and return it.

    Raises
    ------
    DeploymentFailedError
        If it was returned, aborted or superseded.
    WaitTimeoutError
        If it has not ended after `timeout` seconds; it goes on.
    """
    watch, told = Watch(workspace, timeout), ""
    while not (rollout := _rollout(workspace, name, number)).is_ended:
        now = told_of(rollout)
        if rollout.state == "starting" and watch.elapsed > _ALONE:
            now = _alone(workspace, name) or now
        if now != told:
            say(told := now)
        watch.pause(what=f"the rollout {number} of {name}")
    if rollout.state != "promoted":
        failure = rollout.failure or Failure(phase="traffic", message=rollout.reason)
        subject = f"Revision {rollout.revision} of {name}"
        raise DeploymentFailedError(subject, failure.phase, failure.message, failure.trace, failure.hint)
    return rollout


def until(workspace: Workspace, name: str, what: str, is_so: Callable[[ServiceInfo | None], bool]) -> None:
    """Wait until a service, or None when it is gone, is as asked.

    Raises
    ------
    WaitTimeoutError
        If it is not after ten minutes.
    """
    watch = Watch(workspace, 600.0)
    while not is_so(_info(workspace, name)):
        watch.pause(what=what)


def told_of(rollout: Rollout) -> str:
    """Say in a line how a rollout goes."""
    if rollout.state in ("shifting", "waiting"):
        stage = rollout.policy.stages[rollout.stage]
        part = f"mirrored {stage.mirror:g} %" if stage.mirror else f"{stage.weight} % of the requests"
        waits = ", until it is promoted or aborted by hand" if rollout.state == "waiting" else ""
        return f"revision {rollout.revision}: {part}{waits}"
    return f"revision {rollout.revision}: {rollout.state}"


def _alone(workspace: Workspace, name: str) -> str:
    if (info := _info(workspace, name)) is None or info.standing.machine:
        return ""
    return f"no runner has taken it yet; start one with: modelyard runner run --workspace {workspace.location}"


def _rollout(workspace: Workspace, name: str, number: int) -> Rollout:
    current = workspace.backend.services.get(name).rollout
    if current is not None and current.number == number:
        return current
    for rollout in workspace.backend.services.rollouts(name).items:
        if rollout.number == number:
            return rollout
    raise NotFoundError("rollout", f"{name}/{number}")


def _info(workspace: Workspace, name: str) -> ServiceInfo | None:
    try:
        return workspace.backend.services.get(name)
    except NotFoundError:
        return None
