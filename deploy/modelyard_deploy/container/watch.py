"""Looking at containers again and again: cheap, within bounds, and without an error where the engine is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.compute import memory
from modelyard.errors import ModelyardError
from modelyard.services.service import Placed
from modelyard.services.target import Observed
from modelyard_deploy.container import verdict
from modelyard_deploy.container.confinement import labels_in
from modelyard_deploy.container.engine import Engine
from modelyard_deploy.server import unready

if TYPE_CHECKING:
    from docker.models.containers import Container

_TIMEOUT = 5
_PAUSES = (0.1,)
"""An engine that is away is soon looked for again, so it is not waited for."""


class Watch:
    """Looks at containers through one engine, which is opened at the first look and after each failure.

    Several threads may look. Two that find no engine at once open one each, and one of the two is let go.
    """

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def observe(self, placed: Placed) -> Observed:
        """Look at a replica."""
        try:
            engine = self._engine = self._engine or Engine(timeout=_TIMEOUT, pauses=_PAUSES)
            found = engine.containers(labels_in(placed))
            if not found:
                return Observed(state="stopped", detail="its container is gone, and Modelyard did not remove it")
            return _observed(engine, found[0], placed.url)
        except ModelyardError as error:
            self._engine = None  # one that was started anew may speak another version
            return Observed(state="unknown", detail=str(error))


def _observed(engine: Engine, container: Container, url: str) -> Observed:
    state, limit = container.attrs["State"], int(container.attrs["HostConfig"]["Memory"])
    if container.status == "restarting":
        times = container.attrs["RestartCount"]
        return Observed(
            state="unready", detail=f"it starts again, for the {times}. time: {verdict.ending(state, limit)}"
        )
    if container.status != "running":
        gone = "" if engine.find_image(container.attrs["Image"]) else "; its image is gone from the engine"
        return Observed(state="stopped", detail=f"{verdict.ending(state, limit)}{gone}")
    groups = memory.groups_of(state["Pid"])
    killed = memory.kills(groups)  # the engine's own sign may be of what ran before a restart, whose peak is gone
    short = killed or state["OOMKilled"]
    shortage = memory.shortage(limit, memory.peak(groups) if killed else 0) if short else ""
    problem = unready(url)
    detail = "; ".join(part for part in (problem, shortage) if part)
    return Observed(state="unready" if problem else "running", detail=detail)
