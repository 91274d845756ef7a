"""The one runner that looks after a workspace's folder: found, started when it is needed, ended.

A runner holds the lock on ``runner.lock`` for as long as it looks after the folder, and writes its number there.
Whoever has added work asks for a runner with `Attendance.ensure`; a runner that ends looks once more after it has let
the lock go. So either the asker finds the lock held, and that last look sees the work, or it starts a runner. One that
runs is woken through the pipe ``runner.bell``; one that does not hear it sees the work at its next look.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modelyard.runner.bell import heard, ring_at
from modelyard.runner.errors import RunnerNotStartedError, RunnerRunsError, RunnerStaysError
from modelyard.runner.runner import Runner

_PAUSE = 0.01
"""Seconds between two looks at a lock."""
_MOMENT = 1.0
"""Seconds for which a runner waits for its lock: who only looks at it holds it for an instant."""
_START = 60.0
"""Seconds that a runner may take to start."""
_LOG_LIMIT = 5_000_000
"""Bytes of a log that are kept twice: of now and of before."""


class Attendance:
    """Says who looks after the workspace in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "runner.log"
        self._file = folder / "runner.lock"
        self._awaited = folder / "runner.awaited"
        self._bell = folder / "runner.bell"

    def find(self) -> int | None:
        """Return the number of the process that looks after the folder, or None."""
        try:
            with self._file.open() as file:
                if _try(file.fileno(), fcntl.LOCK_SH):
                    return None
                return int(file.read() or 0) or None
        except FileNotFoundError:
            return None

    def ensure(self, start: Callable[[], int], *, wait: bool = True) -> int:
        """Return the number of the runner, started if there is none; it will look for work after this call began.

        Parameters
        ----------
        start
            Starts a process that calls `attend`, and returns its number.
        wait
            Until a process that was started looks after the folder; without it nobody knows yet whether it will.

        Raises
        ------
        RunnerNotStartedError
            If it ends before it looks after the folder.
        """
        with (self.folder / "runner.start.lock").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)  # one starts, and the others find it
            if (found := self.find()) is not None:
                ring_at(self._bell)
                return found
            self._turn_log()
            self._awaited.touch()
            started = start()
            if not wait:
                return started
            deadline = time.monotonic() + _START
            while self._awaited.exists():
                if not _lives(started) or time.monotonic() > deadline:
                    raise RunnerNotStartedError(str(self.folder), str(self.log), self._last_line())
                time.sleep(_PAUSE)
            return self.find() or started

    def attend(self, runner: Runner) -> None:
        """Run `runner` as the one that looks after the folder, until it ends with nothing left to do.

        Raises
        ------
        RunnerRunsError
            If another does already.
        """
        with self._held(), heard(self._bell, runner.wake):
            runner.run()
        # who has found the lock held had added its work before: this look, after it is let go, sees it
        while not runner.is_told and runner.has_work():
            try:
                with self._held(), heard(self._bell, runner.wake):
                    runner.run()
            except RunnerRunsError:  # it began after the lock was let go, and sees the work too
                return

    def stop(self, timeout: float = 60.0) -> int | None:
        """End the runner at its next boundary between steps, and return its number; None if there is none.

        Raises
        ------
        RunnerStaysError
            If it has not ended after `timeout` seconds.
        """
        if (pid := self.find()) is None:
            return None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout
        while self.find() == pid:
            if time.monotonic() > deadline:
                raise RunnerStaysError(pid, timeout)
            time.sleep(_PAUSE)
        return pid

    @contextmanager
    def _held(self) -> Iterator[None]:
        with self._file.open("a+") as file:
            is_ours = _lock(file.fileno())
            self._awaited.unlink(missing_ok=True)
            if not is_ours:
                raise RunnerRunsError(str(self.folder), self.find() or 0)
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield
            file.truncate(0)

    def _turn_log(self) -> None:
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > _LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))

    def _last_line(self) -> str:
        with suppress(FileNotFoundError):
            return next(iter(self.log.read_text(errors="replace").strip().splitlines()[-1:]), "")
        return ""


def _lock(file: int) -> bool:
    deadline = time.monotonic() + _MOMENT
    while not _try(file, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


def _try(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
