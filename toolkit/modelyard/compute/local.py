"""Jobs as processes of this machine that outlive whoever starts them.

A place holds the file ``state``, and a folder for each try to start there: ``1``, almost always the only one. A try
prepares everything in its own folder, so that one that was killed or stopped is in nobody's way. Then the guard of the
job takes the lock of the state and writes the number of its folder there: the job is started, and no other guard goes
on. It holds the lock while anything of the job runs. In place of a number stands ``-`` once the place was cleared.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import select
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from modelyard.compute import group
from modelyard.compute.guards import Guards, Request
from modelyard.compute.job import Job
from modelyard.compute.job_guard import BELL, ENDED, LOG, STATE
from modelyard.compute.preparation import OUTPUTS, Prepared, Trees, prepare
from modelyard.compute.target import JobState
from modelyard.errors import ModelyardError, StateError
from modelyard.settings import Settings
from modelyard.store.blobs import full_disk_explained

GRACE = 3.0
"""Seconds between asking a job to end (SIGTERM) and ending all of it (SIGKILL)."""
LOG_LIMIT = 4 << 20
"""Bytes of the beginning and of the end of a job's output that are kept in any case."""

_CLEARED = "-"
_END_SIZE = 256
_LOOK = 1.0
"""Seconds between two looks at jobs that are waited for."""


class LocalCompute:
    """Runs each job below a guard of its own, in the environment of its lock."""

    def __init__(self, *, grace: float = GRACE, log_limit: int = LOG_LIMIT) -> None:
        self._grace = grace
        self._log_limit = log_limit
        self._guards = Guards()

    def start(self, job: Job, place: Path, trees: Trees) -> None:
        """Prepare a job and start it; does nothing if it was started there, or the place was cleared.

        Raises
        ------
        ModelyardError
            If it cannot be prepared: the environment cannot be made, a blob is damaged, the disk is full.
        """
        if _note(place := place.absolute()):
            return
        self._guards.load()
        with full_disk_explained(place):
            folder = _new_folder(place)
            try:
                self._start(job, folder, _prepared(job, folder, trees))
            except (ModelyardError, OSError):
                if not _note(place):  # else another one was faster, or the place was cleared
                    raise
            finally:
                if _note(place) != folder.name:
                    group.dissolve(folder)
                    shutil.rmtree(folder, ignore_errors=True)

    def observe(self, place: Path) -> JobState:
        """Say how it is with the job at a place."""
        number = _note(place)
        if number in ("", _CLEARED):
            return JobState(state="absent")
        end = place / number / ENDED
        if not end.exists() and _is_held(place):
            return JobState(state="running")
        try:
            return msgspec.json.decode(end.read_bytes(), type=JobState)
        except FileNotFoundError:
            return JobState(state="lost" if _note(place) == number else "absent")

    def wait(self, places: list[Path], seconds: float) -> None:
        """Return when a job of these does not run any more, or after some seconds."""
        poll = select.poll()
        deadline = time.monotonic() + seconds
        with ExitStack() as stack:
            for place in places:
                with suppress(FileNotFoundError):
                    bell = os.open(_folder(place) / BELL, os.O_RDONLY | os.O_NONBLOCK)
                    stack.callback(os.close, bell)
                    poll.register(bell, 0)  # tells when all that hold it open for writing are gone
            while all(self.observe(place).state == "running" for place in places):
                left = deadline - time.monotonic()
                # guards that were killed just now may have closed it before it was opened, and still hold the lock
                if left <= 0 or poll.poll(min(left, _LOOK) * 1000):
                    return

    def end(self, place: Path) -> None:
        """Have a job and all that it has started end; it does not wait for that."""
        try:
            bell = os.open(_folder(place) / BELL, os.O_WRONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            group.dissolve(_folder(place))  # nobody hears it
            return
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(bell, b"\n")
        os.close(bell)

    def log(self, place: Path) -> Path:
        """Say in which file what the job writes to its output is, as much as is kept of it.

        A shorter file takes the place of one that has grown too long.
        """
        return _folder(place) / LOG

    def output(self, place: Path, name: str) -> Path:
        """Say where the job writes an output."""
        return _folder(place) / OUTPUTS / name

    def clear(self, place: Path) -> None:
        """Remove everything of a job that does not run; one that was about to start there never will.

        Raises
        ------
        StateError
            If it runs.
        """
        place.mkdir(parents=True, exist_ok=True)
        with _locked(place) as state:
            state.write_text(_CLEARED)
            for folder in place.iterdir():
                if folder != state:
                    group.dissolve(folder)
                    shutil.rmtree(folder)

    def _start(self, job: Job, folder: Path, prepared: Prepared) -> None:
        os.mkfifo(folder / BELL, 0o600)
        (folder / f"{ENDED}.part").write_bytes(b" " * _END_SIZE)
        request = Request(
            state=str(folder.parent / STATE),
            number=folder.name,
            directory=str(prepared.folder),
            command=prepared.command,
            environment=prepared.environment,
            grace=self._grace,
            timeout=job.timeout,
            log_limit=self._log_limit,
            groups=_groups(job, folder),
        )
        with suppress(FileExistsError):
            self._guards.start(request)


def open_local(_settings: Settings) -> LocalCompute:
    """Make the compute target for a workspace's settings."""
    return LocalCompute()


def _prepared(job: Job, folder: Path, trees: Trees) -> Prepared:
    def note(text: str) -> None:
        with (folder / LOG).open("a") as log:
            log.write(f"modelyard: {text}\n")

    return prepare(job, folder, trees, note)


def _groups(job: Job, folder: Path) -> tuple[str, ...]:
    """Make the control groups that a job's command joins; say it in the log where that cannot be."""
    if not (job.cpu or job.memory):
        return ()
    name = f"modelyard-job-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    folders, reason = group.hold(folder, name, job)
    if reason:
        with (folder / LOG).open("a") as log:
            log.write(f"modelyard: the memory and the CPUs of the job are not limited: {reason}\n")
    return tuple(map(str, folders))


def _new_folder(place: Path) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = place / str(number)
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
        else:
            return folder


def _note(place: Path) -> str:
    try:
        return (place / STATE).read_text()
    except FileNotFoundError:
        return ""


def _folder(place: Path) -> Path:
    return place / (_note(place) or _CLEARED)


def _is_held(place: Path) -> bool:
    try:
        with _locked(place, fcntl.LOCK_SH):
            return False
    except StateError:
        return True


@contextmanager
def _locked(place: Path, kind: int = fcntl.LOCK_EX) -> Iterator[Path]:
    state = place / STATE
    descriptor = os.open(state, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        yield state
    except BlockingIOError:
        raise StateError(f"The job at {place}", "running", "be cleared; end it first") from None
    finally:
        os.close(descriptor)
