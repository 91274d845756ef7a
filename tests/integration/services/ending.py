"""The end of all that a workspace's services run, also where a test has failed in the middle of it."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from modelyard.compute.group import dissolve
from modelyard.sdk.runner import attendance
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.target import find_target
from modelyard_deploy.router.envoy import Envoy


def runner_of(workspace: Workspace) -> int | None:
    """Give the number of the process that looks after a workspace."""
    looking = attendance(workspace)
    assert looking is not None
    return looking.find()


def servers_of(place: str | Path) -> list[int]:
    """Find the scoring servers, masters and workers, that have their files below a folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"{place}/" in command and "modelyard_scoring" in command:
                found.append(int(process.name))
    return found


def kill(*pids: int | None) -> None:
    """Kill processes, those that are there."""
    for pid in pids:
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def end_all(workspace: Workspace) -> None:
    """End the runner, the servers and the router of a workspace, whatever state they are in."""
    kill(runner_of(workspace))
    for service in Service.list(workspace):
        for revision in service.revisions():
            for replica in revision.replicas:
                if revision.target != "process":  # whose servers would take their time to end
                    find_target(revision.target, workspace.settings).remove(replica.placed)
    kill(*servers_of(workspace.location))
    kill(*servers_of(workspace.location))  # what the runner had begun in that moment
    for note in Path(workspace.location).rglob("groups.json"):
        dissolve(note.parent)
    if (envoy := Envoy(workspace.settings.home / "router").find()) is not None:
        kill(envoy.pid)
