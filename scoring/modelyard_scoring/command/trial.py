"""A check in a child process, so that somebody is left to tell what was touched, however the child ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct

from modelyard_scoring.errors import CheckDiedError
from modelyard_scoring.failure import START_FAILED, Failure
from modelyard_scoring.lifetime import end_with
from modelyard_scoring.scripts.traces import Traces, write_traces
from modelyard_scoring.settings import Settings
from modelyard_scoring.touched import notes
from modelyard_scoring.touched.document import Notes, describe, module_files, read_notes

_LARGEST = 32 * 2**20  # bytes of notes that are read: twice what is written, unless the code writes there itself


class Trial(Struct, frozen=True, kw_only=True):
    """What a check in a child process tells its parent, and the file in which what the code touches is noted.

    Both have it open, for the code may remove it.
    """

    notes: Path
    descriptor: int

    def tell(self, kind: str, *values: str) -> None:
        """Add notes; none where the code has closed the file."""
        with contextlib.suppress(OSError):
            notes.add(self.descriptor, kind, values)

    def read(self) -> Notes:
        """Read all notes."""
        return read_notes(os.pread(self.descriptor, _LARGEST, 0))


def try_in_child(check: Callable[[Trial], Failure | None], settings: Settings, file: Path) -> int:
    """Carry out a check in a child process, and write to `file` what the code touched; give the exit status.

    Raises
    ------
    OSError
        If there is no process, or no place for the document.
    """
    place = file.with_name(f".{file.name}.notes.{os.getpid()}")
    trial = Trial(notes=place, descriptor=os.open(place, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600))
    traces = Traces()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        end_with(parent)
        write_traces(traces.number)
        os._exit(_run(check, trial, settings))  # threads of an application must not keep the process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the child gets it too, and this process tells what came of it
    try:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = trial.read()
        describe(said).write(file)
    finally:
        place.unlink(missing_ok=True)
    if not said.last("end"):
        failure = Failure.of(said.last("phase") or "verify", CheckDiedError(status, traces.read()), settings.folder)
        failure.log()
        failure.write(settings.failure_file)
        return START_FAILED
    return status


def _run(check: Callable[[Trial], Failure | None], trial: Trial, settings: Settings) -> int:
    failure = check(trial)
    trial.tell("end", "passed" if failure is None else "failed")
    if failure is not None and settings.failure_file is not None:
        settings.failure_file.unlink(missing_ok=True)  # whatever the code has written there
        failure.write(settings.failure_file)
    trial.tell("server", *module_files())
    with contextlib.suppress(OSError):
        trial.tell("library", *mapped_libraries(trial.read().of.get("process", {})))
    sys.stdout.flush()
    return 0 if failure is None else START_FAILED


def mapped_libraries(processes: Iterable[str]) -> list[str]:
    """List the shared libraries that processes have in their memory; none of those that are gone."""
    found = set()
    for process in filter(str.isdecimal, processes):
        with contextlib.suppress(OSError):
            lines = Path("/proc", process, "maps").read_text(errors="replace").splitlines()
            files = (line.split(maxsplit=5)[5] for line in lines if "/" in line)
            found |= {file for file in files if ".so" in file.rpartition("/")[2]}
    return sorted(found)
