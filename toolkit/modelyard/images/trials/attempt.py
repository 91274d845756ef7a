"""A command that is bounded and watched, and of which nothing is left behind."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

from msgspec import Struct

from modelyard.compute.process import ScriptProcess
from modelyard.compute.processes import descendants, processes
from modelyard.images.trials.memory import MemoryWatch

_LOOK = 0.02
"""Seconds between two looks at the memory."""
_COST = 5
"""How many times as long as a look takes it is to the next one, at least: looking must not slow down what is tried."""
_GRACE = 1.0
_LAST_WORDS = 10.0
"""Seconds for the first process to say what became of the code, once that was ended."""
_TRACES, _RECORD = 0.3, 1.0
"""Seconds for processes to write where they are, and for the server to record how the script's process ended."""
_TAIL = 64 * 2**10
_PART = 2**20


class Limits(Struct, frozen=True, kw_only=True):
    """What a trial may take.

    Parameters
    ----------
    seconds
        From the start of the process to the answer to the sample.
    memory
        Bytes of all processes together; None for no limit.
    """

    seconds: float = 300.0
    memory: int | None = None


class Ended(Struct, frozen=True, kw_only=True):
    """How an attempt ended.

    Parameters
    ----------
    status
        Of the first process; negative for a signal.
    peak
        The most bytes that all processes had.
    log
        The end of what they wrote.
    cut
        Which limit ended them; empty where none did.
    """

    status: int
    seconds: float
    peak: int
    log: str
    cut: Literal["", "memory", "time"] = ""


def attempt(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path, limits: Limits
) -> Ended:
    """Run `command` in `folder` until it has ended or passes a limit; all of it is gone when this returns or raises.

    When a limit is passed, all but the first process are ended. That one is the server's: it runs no code, and gets
    some time to say what became of it.

    Parameters
    ----------
    log
        Where to make the pipe that takes the output.
    """
    began = time.monotonic()
    cut: Literal["", "memory", "time"] = ""
    last = began + limits.seconds
    with _Log(log) as output, _start(command, folder, environment, log) as process:
        watch = MemoryWatch(process.guard_pid)
        while (status := process.wait(0)) is None:
            looks = time.monotonic()
            peak = watch.look()
            now = time.monotonic()
            if cut and now > last:
                break
            if not cut and (now > last or (limits.memory is not None and peak > limits.memory)):
                cut = "time" if now > last else "memory"
                last = now + _LAST_WORDS
                _end_code(process, output, ask=cut == "time")
            output.read(max(_LOOK, _COST * (now - looks)))
        seconds = time.monotonic() - began
    return Ended(
        status=-signal.SIGKILL if status is None else status, seconds=seconds, peak=watch.peak, log=output.text, cut=cut
    )


def _start(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> ScriptProcess:
    return ScriptProcess(command, folder=folder, environment=environment, log=log, grace=_GRACE)


def _end_code(process: ScriptProcess, output: _Log, *, ask: bool) -> None:
    """End all but the first process.

    With `ask`, processes are asked first to write where they are, and the innermost are ended first, so that the
    server can record where a script was that hangs.
    """
    if ask:
        _signal(_code(process), signal.SIGUSR1)
        output.read(_TRACES)
        servers = {pid for pid, fields in processes() if int(fields[1]) == process.pid}
        _signal(_code(process) - servers, signal.SIGKILL)
        output.read(_RECORD)
    _signal(_code(process), signal.SIGKILL)


def _code(process: ScriptProcess) -> set[int]:
    return descendants(process.guard_pid) - {process.pid}


def _signal(pids: set[int], wanted: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, wanted)


class _Log:
    """A pipe with a name, of whose content the end is kept: however much is written, no disk is filled."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._tail = bytearray()

    def __enter__(self) -> Self:
        os.mkfifo(self._file, 0o600)
        self._descriptor = os.open(self._file, os.O_RDWR | os.O_NONBLOCK)  # with a writer it never comes to its end
        return self

    def __exit__(self, *_: object) -> None:
        self.read(0)
        os.close(self._descriptor)

    @property
    def text(self) -> str:
        """The end of what was written."""
        return self._tail.decode(errors="replace")

    def read(self, seconds: float) -> None:
        """Read what comes for some time; at least a part of what is there."""
        end = time.monotonic() + seconds
        while select.select([self._descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
            self._tail += os.read(self._descriptor, _PART)
            del self._tail[:-_TAIL]
            if time.monotonic() > end:
                return
