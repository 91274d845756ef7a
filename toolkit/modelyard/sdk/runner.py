"""The runner of a workspace: what it looks after, and its process.

What it looks after is what the entry points of the group ``modelyard.reconcilers`` make: each is called with the
workspace and returns a `Reconciler`. ``python -m modelyard.sdk.runner FOLDER IDLE`` is the process of an embedded
workspace, started when there is work by `ensure_runner`; it ends after IDLE seconds with nothing to do.
"""

from __future__ import annotations

import logging
import os
import platform
import signal
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType

from modelyard.backend.embedded import open_embedded
from modelyard.compute.detached import start_detached
from modelyard.runner.attendance import Attendance
from modelyard.runner.errors import RunnerRunsError
from modelyard.runner.runner import Pace, Reconciler, Runner
from modelyard.sdk.run.logs import is_served
from modelyard.sdk.workspace import Workspace
from modelyard.services.router import GROUP as ROUTERS
from modelyard.services.target import GROUP as TARGETS
from modelyard.settings import Settings
from modelyard.values import make_ready

_log = logging.getLogger(__name__)

GROUP = "modelyard.reconcilers"

_DATABASE = "MODELYARD_DATABASE"

IDLE = 30.0
"""Seconds with nothing to do after which a runner that was started on demand ends."""


def reconcilers(workspace: Workspace) -> tuple[Reconciler, ...]:
    """Make what is installed to look after a workspace, by name."""
    return tuple(point.load()(workspace) for point in sorted(entry_points(group=GROUP), key=lambda point: point.name))


def attendance(workspace: Workspace) -> Attendance | None:
    """Say who looks after an embedded workspace; None for a served one, which any number of runners may look after."""
    return None if is_served(workspace) else Attendance(Path(workspace.location).absolute())


def ensure_runner(
    workspace: Workspace, idle: float = IDLE, database: str | None = None, *, wait: bool = True
) -> int | None:
    """Have a runner look for the work that was added to an embedded workspace; return the number of its process.

    Call it when the work is committed. A served workspace has runners of its own, and None is returned.

    Parameters
    ----------
    database
        Where the workspace's rows are, if not in its folder.
    wait
        For a runner that has to be started; without it nobody knows yet whether it can be.

    Raises
    ------
    RunnerNotStartedError
        If it ends before it looks after the workspace.
    """
    looking = attendance(workspace)
    if looking is None:
        return None
    # not the run that this process may itself belong to
    environment = {name: value for name, value in os.environ.items() if name != "MODELYARD_RUN"}
    settings = workspace.settings
    environment |= {"MODELYARD_HOME": str(settings.home), "MODELYARD_CACHE": str(settings.cache)}
    environment |= {"MODELYARD_OFFLINE": str(int(settings.offline))}
    if database is not None:  # which may hold a password, so it is no argument
        environment[_DATABASE] = database
    command = [sys.executable, "-P", "-m", "modelyard.sdk.runner", str(looking.folder), str(idle)]
    return looking.ensure(
        lambda: start_detached(command, environment=environment, folder=looking.folder, log=looking.log), wait=wait
    )


def run(workspace: Workspace, idle: float | None = None) -> None:
    """Look after a workspace in this process, until SIGTERM or SIGINT, or until nothing was to do for `idle` seconds.

    Raises
    ------
    RunnerRunsError
        If the workspace is embedded, and another runner looks after it.
    """
    name = f"{platform.node()}/{os.getpid()}"[-250:]
    runner = Runner(workspace.backend.leases, reconcilers(workspace), name, Pace(idle=idle))
    for group in (TARGETS, ROUTERS):
        for point in entry_points(group=group):
            point.load()
    make_ready()

    def stop(_number: int, _frame: FrameType | None) -> None:
        runner.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    looking = attendance(workspace)
    _log.info("Looking after %s", workspace.location)
    if looking is None:
        runner.run()
    else:
        looking.attend(runner)
    _log.info("Ended: %s", "told to" if runner.is_told else "nothing is left to do")


def main(folder: str, idle: str) -> None:
    """Be the runner of the workspace in `folder`."""
    log_to_stderr()
    database = os.environ.pop(_DATABASE, None)
    opened = Workspace(open_embedded(Path(folder), database), Settings.read()) if database else Workspace.open(folder)
    with opened as workspace:
        try:
            run(workspace, float(idle))
        except RunnerRunsError as error:
            _log.info("%s", error)


def log_to_stderr() -> None:
    """Have this process write what its runner logs to stderr."""
    logging.basicConfig(format="%(asctime)s %(process)d %(levelname)s %(message)s")
    logging.getLogger("modelyard").setLevel(logging.INFO)


if __name__ == "__main__":
    main(*sys.argv[1:])
