"""The process that looks after one submitted run, from its snapshot to its collected outputs.

Started by `script.submit` as ``python -m modelyard.sdk.run.supervisor FOLDER``, in a session of its own, so that it
outlives the shell. FOLDER holds the file ``job.json``; the script runs in ``code`` below it, its output is a log of the
run.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import TypeVar

import msgspec

from modelyard.compute.ending import Ending, as_said, ended, failed
from modelyard.compute.job import Job
from modelyard.compute.outputs import collect
from modelyard.compute.preparation import Prepared, Trees, prepare
from modelyard.compute.process import ScriptProcess
from modelyard.errors import ModelyardError, StateError, StorageFullError, UnreachableError
from modelyard.sdk.run.heartbeat import INTERVAL, Heartbeat
from modelyard.sdk.run.logs import ENVIRONMENT, PATIENCE, STANDARD, Shipping, log_folder
from modelyard.sdk.workspace import Workspace
from modelyard.store.blobs import full_disk_explained
from modelyard.tracking.files import NewFile, NewFiles
from modelyard.tracking.run import RunChange, RunError, StatusChange
from modelyard.tracking.status import Status

JOB = "job.json"
"""The file that says what is to be run."""
PROCESS = "supervisor.pid"
"""The file that says which process looks after the run."""

_LOOK = 0.2
"""Seconds between two looks at the script."""
_RESERVE = 1 << 20
"""Bytes set aside, so that a run whose script has filled the disk can still be given its end."""
_AT_ONCE = 1000

T = TypeVar("T")


class _StopError(Exception):
    """The preparation is broken off: the run was canceled, or the supervisor told to end."""


class Supervisor:
    """Looks after one run.

    Parameters
    ----------
    folder
        The run's own folder: the job is there, and the code comes there.
    """

    def __init__(self, workspace: Workspace, job: Job, folder: Path) -> None:
        self._workspace = workspace
        self._backend = workspace.backend
        self._job = job
        self._folder = folder
        self._logs = log_folder(workspace, job.run, folder / "kept")
        self._log = self._logs / STANDARD
        self._asked: Ending | None = None
        self._interruptible = False

    def run(self) -> None:
        """Prepare, start, watch, collect; whatever happens, the run gets an end."""
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self._interrupt)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log.touch()
        with Heartbeat(self._workspace, self._job.run, lambda: os.kill(os.getpid(), signal.SIGUSR1)):
            with Shipping(self._workspace, self._job.run, self._logs):
                ending = self._ending()
            self._free_reserve()
            whole = self._keep_logs()
            self._write_end(as_said(self._persist(lambda: self._backend.runs.get(self._job.run)), ending))
        if whole and not (ending.error and ending.error.code == "outputs-lost"):
            shutil.rmtree(self._folder, ignore_errors=True)

    def _ending(self) -> Ending:
        try:
            with full_disk_explained(self._folder):
                (self._folder / "reserve").write_bytes(bytes(_RESERVE))
                self._become("Preparing")
                with self._interrupts():
                    prepared = self._prepared()
                return self._collected(prepared, self._watched(prepared))
        except _StopError:
            return self._asked or Ending(status="Canceled")
        except (ModelyardError, OSError) as error:
            return failed(str(error), getattr(error, "code", "system"))
        except Exception as error:  # noqa: BLE001 - the edge: a bug of ours must not leave the run without an end
            return failed(f"Modelyard itself failed: {error!r}", "fault", traceback.format_exc())

    def _prepared(self) -> Prepared:
        def note(text: str) -> None:
            with (self._logs / ENVIRONMENT).open("a") as file:
                file.write(f"{text}\n")

        return prepare(self._job, self._folder, Trees(self._backend.trees.get, self._backend.blobs), note)

    def _watched(self, prepared: Prepared) -> Ending:
        """Run the script to its end, or to what it is asked to end for."""
        self._become("Starting")
        with ScriptProcess(
            prepared.command, folder=prepared.folder, environment=prepared.environment, log=self._log
        ) as process:
            self._become("Running")
            timeout = self._job.timeout
            deadline = None if timeout is None else time.monotonic() + timeout
            while (status := process.wait(_LOOK)) is None:
                if deadline is not None and time.monotonic() > deadline and self._asked is None:
                    self._asked = failed(f"It ran longer than its timeout of {timeout:g} s, and was ended.", "timeout")
                if self._asked is not None:
                    process.end()
        if self._asked is not None:
            return msgspec.structs.replace(self._asked, exit_status=status)
        return ended(self._job.script or self._job.command[0], status, self._log)

    def _collected(self, prepared: Prepared, ending: Ending) -> Ending:
        self._free_reserve()
        self._become("Finalizing")
        try:
            with full_disk_explained(prepared.folder):
                self._add(collect(prepared.folder, prepared.snapshot, self._backend.blobs))
        except (ModelyardError, OSError) as error:
            before = ending.error.message if ending.error else "The script succeeded."
            message = f"{before} Its outputs could not be kept: {error} They are in {prepared.folder}"
            lost = RunError(
                message=message, code="outputs-lost", traceback=ending.error.traceback if ending.error else ""
            )
            return Ending(status="Failed", error=lost, exit_status=ending.exit_status)
        return ending

    def _free_reserve(self) -> None:
        (self._folder / "reserve").unlink(missing_ok=True)

    def _keep_logs(self) -> bool:
        """Make the logs files of the run; say whether that was possible."""
        blobs = self._backend.blobs
        try:
            logs = [file for file in sorted(self._log.parent.iterdir()) if file.is_file()]
            self._add(NewFile(path=f"logs/{log.name}", sha256=blobs.put(log), size=log.stat().st_size) for log in logs)
        except (ModelyardError, OSError):
            return False
        return True

    def _add(self, files: Iterable[NewFile]) -> None:
        waiting = iter(files)
        while some := tuple(islice(waiting, _AT_ONCE)):
            new = NewFiles(files=some, replace=True)
            self._persist(lambda new=new: self._backend.files.add(self._job.run, new))  # type: ignore[misc]

    def _write_end(self, ending: Ending) -> None:
        if ending.exit_status is not None:
            details = {"exit_status": ending.exit_status, "host": platform.node()}
            self._persist(lambda: self._backend.runs.change(self._job.run, RunChange(details=details)))
        self._become(ending.status, ending.error)

    def _become(self, status: Status, error: RunError | None = None) -> None:
        change = StatusChange(status=status, error=error, heartbeat=INTERVAL if status == "Running" else None)
        with suppress(StateError):  # the script has ended its run itself, or the run is to be canceled
            self._persist(lambda: self._backend.runs.change_status(self._job.run, change))

    def _persist(self, call: Callable[[], T]) -> T:
        """Try again for a while where the server is away, or the disk full."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return call()
            except (UnreachableError, StorageFullError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Let what is inside be broken off as soon as the run is asked to end."""
        self._interruptible = True
        try:
            if self._asked is not None:
                raise _StopError
            yield
        finally:
            self._interruptible = False

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        if self._asked is None:
            told = failed("The process that looked after it was told to end (SIGTERM).", "stopped")
            self._asked = Ending(status="Canceled") if number == signal.SIGUSR1 else told
        if self._interruptible:
            self._interruptible = False
            raise _StopError


def main(folder: Path) -> None:
    """Look after the run whose job is in `folder`."""
    (folder / PROCESS).write_text(f"{os.getpid()}\n")
    job = Job.read(folder / JOB)
    (folder / JOB).unlink()  # it may hold secrets, and is not needed any more
    with Workspace.open(job.workspace) as workspace:
        Supervisor(workspace, job, folder).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
