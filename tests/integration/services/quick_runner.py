"""A runner as a process of its own, whose work another may take up a second after it was killed."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from tests.integration.services.ending import runner_of

from modelyard.runner.attendance import Attendance
from modelyard.runner.runner import Pace, Runner
from modelyard.sdk.runner import log_to_stderr, reconcilers
from modelyard.sdk.workspace import Workspace

ROOT = Path(__file__).resolve().parents[3]


class QuickRunner:
    """Looks after a workspace, in the place of the runner that does.

    Parameters
    ----------
    alone
        Whether it holds the folder, as the runner of an embedded workspace; those of a served one share the work.
    """

    def __init__(self, workspace: Workspace, *, alone: bool = True) -> None:
        self._workspace = workspace
        self._alone = alone
        if alone:
            Attendance(Path(workspace.location)).stop()  # what it holds is given back; a killed one is waited for
        self._start()

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def kill(self) -> None:
        """Kill it as a loss of power does, and start the next one."""
        self._process.kill()
        self._process.wait()
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _start(self) -> None:
        command = [sys.executable, "-m", "tests.integration.services.quick_runner", self._workspace.location]
        command += ["alone"] if self._alone else []
        with (Path(self._workspace.location) / "quick-runner.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        while self._alone and runner_of(self._workspace) != self._process.pid:
            assert self._process.poll() is None, "the runner ended"
            time.sleep(0.02)


def main(folder: str, *alone: str) -> None:
    """Look after the workspace in a folder until killed."""
    log_to_stderr()
    with Workspace.open(folder) as workspace:
        pace = Pace(ttl=1.0, look=0.1)
        runner = Runner(workspace.backend.leases, reconcilers(workspace), f"quick/{os.getpid()}", pace)
        if alone:
            Attendance(Path(folder)).attend(runner)
        else:
            runner.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
