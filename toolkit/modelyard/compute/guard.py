"""Run a script so that all of it ends: when it is told to, and when whoever looks after it dies.

Started as a program: ``python -I -S guard.py GRACE LOG COMMAND…``. The command runs in a session of its own, its
output appended to the file LOG. Standard input comes from the process that looks after it: a byte asks for the end,
and so does the end of the input, which comes when that process is gone, SIGKILL included. The script's group then gets
SIGTERM, and GRACE seconds later everything that it has started gets SIGKILL. Two lines are written to standard output:
``started PID`` and ``ended STATUS`` (negative: the signal that ended it).

Only the standard library is used here, so that it starts in a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_LOOK = 0.05
"""Seconds between two looks at whether the script still runs."""
_LEFTOVERS_GRACE = 2.0
"""Seconds that processes get which the script has left behind."""
_UNENDABLE = 10.0
"""Seconds after which a process that not even SIGKILL has ended is left to the system."""


def guard(grace: float, log: str, command: list[str]) -> None:
    """Run `command` to its end, and leave nothing of it behind."""
    for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)  # the pipe says when to end
    _prctl(_SET_CHILD_SUBREAPER, 1)  # what the script leaves behind becomes ours, wherever it has hidden
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _become(command, log, parent)
    _report(f"started {child}")
    status = _follow(child, grace)
    _end_leftovers(child, min(grace, _LEFTOVERS_GRACE))
    _report(f"ended {status}")


def _become(command: list[str], log: str, parent: int) -> None:
    status = 127
    try:
        os.setsid()
        _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(status)
        for restored in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(restored, signal.SIG_DFL)
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execvp(command[0], command)  # noqa: S606 - an argument list, not a shell's line
    except OSError as error:
        os.write(2, f"modelyard: {command[0]} cannot be started: {error.strerror}\n".encode())
        status = 126 if isinstance(error, PermissionError) else 127
    finally:
        os._exit(status)


def _follow(child: int, grace: float) -> int:
    """Wait for the script; end it when the pipe says so."""
    deadline: float | None = None
    while True:
        for pid, status in _reaped():
            if pid == child:
                return os.waitstatus_to_exitcode(status)
        if deadline is None:
            if select.select([0], [], [], _LOOK)[0]:
                deadline = time.monotonic() + grace
                _signal_group(child, signal.SIGTERM)
        else:
            if time.monotonic() >= deadline:
                _signal_group(child, signal.SIGKILL)
            time.sleep(_LOOK)


def _end_leftovers(child: int, grace: float) -> None:
    deadline = time.monotonic() + grace
    wanted = signal.SIGTERM
    told: set[int] = set()
    while left := set(descendants(os.getpid())) | _group(child):
        if time.monotonic() >= deadline + _UNENDABLE:
            return
        if time.monotonic() >= deadline:
            wanted, told = signal.SIGKILL, set()
        for pid in left - told:
            with suppress(ProcessLookupError):
                os.kill(pid, wanted)
        told |= left
        time.sleep(_LOOK / 5)
        for _ in _reaped():
            pass


def _reaped() -> Iterator[tuple[int, int]]:
    """Take what has ended: the script, and what it has left behind."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def descendants(root: int) -> Iterator[int]:
    """List the processes below `root`; nothing where the system does not show them."""
    children: dict[int, list[int]] = {}
    for pid, fields in processes():
        children.setdefault(int(fields[1]), []).append(pid)
    waiting = list(children.get(root, ()))
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children.get(pid, ())


def _group(leader: int) -> set[int]:
    return {pid for pid, fields in processes() if int(fields[2]) == leader and fields[0] != "Z"}


def processes() -> Iterator[tuple[int, list[str]]]:
    """List the processes of this machine: number, and state, parent, group, …."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # the name stands in parentheses, and may hold anything
            yield int(folder.name), (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()


def _signal_group(leader: int, wanted: int) -> None:
    # the script leads its group from `setsid` on; before that there is only itself
    for send in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            send(leader, wanted)
            return


def _prctl(option: int, value: int) -> None:
    with suppress(OSError, AttributeError):  # only Linux has it
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _report(line: str) -> None:
    with suppress(BrokenPipeError):
        os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    guard(float(sys.argv[1]), sys.argv[2], sys.argv[3:])
