"""Processes below a process: found, ended, made into a command.

Programs that must start in a few milliseconds are made of this; so it imports nothing that costs one.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Mapping

SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGTERM, SIGXFSZ = 1, 2, 9, 13, 15, 25
"""As POSIX systems number them: the module `signal` takes five milliseconds to import."""

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_LOOK = 0.01
"""Seconds between two looks at whether processes still run."""
_UNENDABLE = 10.0
"""Seconds after which a process that not even SIGKILL has ended is left to the system."""


def adopt() -> None:
    """Have what processes below this one leave behind become children of this one, wherever it has hidden."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def become(command: list[str], environment: Mapping[str, str], output: int, parent: int, groups: list[str]) -> None:
    """Turn this process, a new child of `parent`, into a command that leads a session and dies with its parent.

    Parameters
    ----------
    output
        What the command writes to.
    groups
        Control groups that it joins.
    """
    status = 127
    try:
        os.setsid()
        _prctl(_SET_PARENT_DEATH_SIGNAL, SIGKILL)
        if os.getppid() != parent:
            os._exit(status)
        for number in (SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGXFSZ):
            ctypes.CDLL(None).signal(number, None)  # the default
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for group in groups:
            _join(group)
        os.execvpe(command[0], command, environment)  # noqa: S606 - an argument list, not a shell's line
    except OSError as error:
        os.write(2, f"modelyard: {command[0]} cannot be started: {error.strerror}\n".encode(errors="surrogateescape"))
        status = 126 if isinstance(error, PermissionError) else 127
    finally:
        os._exit(status)


def reaped() -> dict[int, int] | None:
    """Take children of this process that have ended: number and status; None if it has no children any more."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended or None
        if pid == 0:
            return ended
        ended[pid] = status


def end_all(grace: float) -> None:
    """End everything below this process, with SIGTERM, and with SIGKILL what is there after `grace` seconds."""
    deadline = time.monotonic() + grace
    told: set[int] = set()
    while reaped() is not None:
        late = time.monotonic() - deadline
        if late > _UNENDABLE:
            return
        left = descendants(os.getpid())
        for pid in left if late >= 0 else left - told:
            send(pid, SIGKILL if late >= 0 else SIGTERM)
        told |= left
        time.sleep(_LOOK)


def send(pid: int, wanted: int) -> None:
    """Send a signal to a process, if it is there."""
    try:
        os.kill(pid, wanted)
    except ProcessLookupError:
        return


def send_group(leader: int, wanted: int) -> None:
    """Send a signal to a group; to its leader alone if it does not lead one yet."""
    try:
        os.killpg(leader, wanted)
    except ProcessLookupError:
        send(leader, wanted)


def descendants(root: int) -> set[int]:
    """List the processes below `root`; nothing where the system does not show them."""
    children: dict[int, list[int]] = {}
    for pid, fields in processes():
        children.setdefault(int(fields[1]), []).append(pid)
    found: set[int] = set()
    waiting = children.get(root, [])
    while waiting:
        found.update(waiting)
        waiting = [pid for parent in waiting for pid in children.get(parent, ())]
    return found


def processes() -> list[tuple[int, list[str]]]:
    """List the processes of this machine: number, and state, parent, group, …."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():  # noqa: PTH112, PTH208
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", errors="replace") as opened:  # noqa: PTH123 - pathlib takes ten milliseconds
                # the name stands in parentheses, and may hold anything
                found.append((int(name), opened.read().rpartition(")")[2].split()))
        except OSError:
            continue
    return found


def _join(group: str) -> None:
    joining = os.open(f"{group}/cgroup.procs", os.O_WRONLY)
    os.write(joining, b"0")  # whoever writes it
    os.close(joining)


def _prctl(option: int, value: int) -> None:
    try:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (OSError, AttributeError):  # only Linux has it
        return
