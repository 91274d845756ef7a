"""A script as a process group on this machine: started, watched, ended, with nothing of it left behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self, cast

from modelyard.compute.program import program

GRACE = 10.0
"""Seconds between asking a script to end (SIGTERM) and ending it (SIGKILL)."""

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


class ScriptProcess:
    """A running command, its output going to a file; when this process dies, so does the command.

    Parameters
    ----------
    command
        What to run; a first word without ``/`` is looked for along ``PATH`` of `environment`.
    folder
        Where to run it.
    log
        The file that its output is appended to.
    grace
        Seconds between SIGTERM and SIGKILL when it is ended.

    Attributes
    ----------
    pid
        The number of the command's process.
    guard_pid
        The number of the process that looks after it: all that the command starts is below that one.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        grace: float = GRACE,
    ) -> None:
        self._guard = subprocess.Popen(
            program("guard", str(grace), str(log), *command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.guard_pid = self._guard.pid
        self._stdin, self._stdout = cast(IO[bytes], self._guard.stdin), cast(IO[bytes], self._guard.stdout)
        self.pid = int(self._answer("started") or 0)

    def wait(self, timeout: float) -> int | None:
        """Wait at most `timeout` seconds for the end, and return the exit status; negative for a signal.

        None if it still runs.
        """
        try:
            self._guard.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        status = self._answer("ended")
        if status is None:  # the guard itself was killed, and cannot have ended the rest
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            return -signal.SIGKILL
        return int(status)

    def end(self) -> None:
        """Ask it to end; `wait` then returns within the grace and a few seconds."""
        with suppress(BrokenPipeError):
            self._stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._guard.wait()
        self._stdout.close()

    def _answer(self, word: str) -> str | None:
        """Read the guard's line ``WORD NUMBER``; None if it has gone without a word."""
        if self._stdout.closed:
            return None
        said, _, number = self._stdout.readline().decode().partition(" ")
        return number if said == word else None


def meaning(status: int) -> str:
    """Say what an exit status means, such as ``it was ended by SIGSEGV (Segmentation fault)``."""
    number = -status if status < 0 else status - 128  # a shell passes a signal on as 128 and more
    if status == 0:
        return "it succeeded"
    if number == signal.SIGKILL:
        return "it was killed (SIGKILL), most likely because memory ran out"
    if 0 < number < signal.NSIG:
        return f"it was ended by {_signal_name(number)}"
    if status == _NOT_FOUND:
        return "the program was not found (status 127)"
    if status == _NOT_EXECUTABLE:
        return "the program cannot be executed (status 126)"
    return f"it ended with status {status}"


def _signal_name(number: int) -> str:
    try:
        known = signal.Signals(number)
    except ValueError:
        return f"signal {number}"
    return f"{known.name} ({signal.strsignal(number)})"
