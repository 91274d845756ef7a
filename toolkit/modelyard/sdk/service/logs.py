"""What the replicas of a revision wrote."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator

from modelyard.errors import NotFoundError
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import NotHereError
from modelyard.services.log import new_lines
from modelyard.services.service import Revision
from modelyard.services.target import find_target

_PAUSE = 0.5
_MANY = 10_000
"""Lines that are looked at for those that are new."""


def read_logs(workspace: Workspace, name: str, number: int | None, lines: int) -> str:
    """Return the last lines of each replica of a revision, by default of the one that serves.

    Raises
    ------
    NotFoundError
        If there is no such revision, or nothing of it runs.
    NotHereError
        If it runs on another machine.
    """
    revision = _revision(workspace, name, number)
    for one in revision.replicas:
        if one.placed.machine != platform.node():
            raise NotHereError("log", name, one.placed.machine)
    target = find_target(revision.target, workspace.settings)
    parts = {one.number: target.logs(one.placed, lines) for one in revision.replicas}
    if not parts:
        raise NotFoundError("log of a running replica", f"{name}/{revision.number}")
    if len(parts) == 1:
        return next(iter(parts.values()))
    return "\n".join(f"[replica {replica}] {line}" for replica, text in parts.items() for line in text.splitlines())


def follow(workspace: Workspace, name: str, number: int | None, lines: int) -> Iterator[str]:
    """Give the last lines, and then each new one."""
    seen = read_logs(workspace, name, number, _MANY).splitlines()
    yield from seen[-lines:]
    while True:
        time.sleep(_PAUSE)
        now = read_logs(workspace, name, number, _MANY).splitlines()
        yield from new_lines(seen, now)
        seen = now


def _revision(workspace: Workspace, name: str, number: int | None) -> Revision:
    services = workspace.backend.services
    if number is None:
        return services.get(name).revision
    revisions = services.revisions(name).items
    found = next((one for one in revisions if one.number == number), None)
    if found is None:
        raise NotFoundError("revision", f"{name}/{number}", [f"{name}/{one.number}" for one in revisions])
    return found
