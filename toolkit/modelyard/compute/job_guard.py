"""Run a job to its end, whatever becomes of whoever started it.

Started by `program` in the folder that the command runs in, with STATE NUMBER GRACE TIMEOUT LOG_LIMIT GROUPS COMMAND…;
`local` says what lies in the folder of a job. There are three processes. The one that was started takes the lock and
writes the note that make sure that a job is started once, and ends with status 0, or with the number of an error
(EEXIST: it was started before). The second stands behind the third, which leads the command: when that one is killed,
the second ends all that the command has started. Both hold the lock, and the bell open, so that whoever looks or waits
knows that they are there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import sys
import time

from modelyard.compute.bounded_log import BoundedLog
from modelyard.compute.processes import SIGKILL, SIGTERM, adopt, become, descendants, end_all, reaped, send, send_group

STATE, BELL, ENDED, LOG = "state", "bell", "ended.json", "log.txt"
"""The lock with the note at a place, and what is in the folder of a job."""

_LEFTOVERS_GRACE = 2.0
"""Seconds that processes get which the command has left behind."""
_TAKING = 10.0
"""Seconds for which another process may hold the lock without having started the job."""
_LOOK = 50
"""Milliseconds between two looks, where the system does not tell when a process ends."""
_AT_ONCE = 1 << 16


def main() -> None:
    """Start the job of the command line, if it was not started."""
    state, number, grace, timeout, log_limit, groups, *command = sys.argv[1:]
    folder = os.path.join(os.path.dirname(state), number)  # noqa: PTH118, PTH120 - pathlib takes ten milliseconds
    try:
        bell = os.open(os.path.join(folder, BELL), os.O_RDWR | os.O_NONBLOCK)  # noqa: PTH118
        lock = _take(state, number)
        started = os.fork()
    except OSError as error:
        os._exit(error.errno or errno.EIO)
    if started:
        os._exit(0)
    log = BoundedLog(os.path.join(folder, LOG), int(log_limit))  # noqa: PTH118
    adopt()
    if child := os.fork():
        _stand_behind(child)
        _leave(lock)
    adopt()
    job = _Job(command, groups.split("\n") if groups else [], log, bell)
    status = job.run(float(grace), float(timeout) if timeout else None)
    _write_end(os.path.join(folder, ENDED), status, job.detail)  # noqa: PTH118
    _leave(lock)


def _take(state: str, number: str) -> int:
    """Take the lock of a place, and note there that the job is started; FileExistsError if it was before."""
    lock = os.open(state, os.O_RDWR | os.O_CREAT, 0o600)  # held by this process and those it forks, to their end
    deadline = time.monotonic() + _TAKING
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if os.pread(lock, 1, 0):
                raise FileExistsError(errno.EEXIST, "started before") from None
            if time.monotonic() > deadline:
                raise
            time.sleep(0.001)
    if os.pread(lock, 1, 0):
        raise FileExistsError(errno.EEXIST, "started before")
    os.write(lock, number.encode())
    return lock


def _leave(lock: int) -> None:
    os.close(lock)  # first, so that whoever waits at the bell and sees the lock held hears when the bell is closed
    os._exit(0)


def _stand_behind(guard: int) -> None:
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == guard:
            break
    if status:
        end_all(0)


class _Job:
    """The command, from its start to its end."""

    def __init__(self, command: list[str], groups: list[str], log: BoundedLog, bell: int) -> None:
        self.detail = ""
        self._groups, self._log, self._bell = groups, log, bell
        self._output, output = os.pipe()
        os.set_blocking(self._output, False)
        parent = os.getpid()
        self._child = os.fork()
        if self._child == 0:
            become(command, output, parent, groups)
        os.close(output)
        self._poll = select.poll()
        self._poll.register(self._output, select.POLLIN)
        self._poll.register(bell, select.POLLIN)
        self._exact = True
        try:
            self._poll.register(os.pidfd_open(self._child), select.POLLIN)
        except (OSError, AttributeError):  # only Linux has it
            self._exact = False

    def run(self, grace: float, timeout: float | None) -> int:
        """Follow it to its end, leave nothing of it behind, and return its status."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self._status()) is None:
            if deadline is not None and time.monotonic() >= deadline:
                if self.detail:  # it was asked to end, and has not
                    self._kill()
                    deadline = None
                else:
                    deadline = self._ask("timeout", grace)
            elif not self.detail and self._rung():
                deadline = self._ask("canceled", grace)
            self._wait(deadline)
        end_all(min(_LEFTOVERS_GRACE, grace) if not self.detail else max(0.0, (deadline or 0.0) - time.monotonic()))
        while self._keep():
            pass
        self._log.close()
        if status and not self.detail and _memory_ran_out(self._groups):
            self.detail = "memory"
        _remove(self._groups)
        return status

    def _status(self) -> int | None:
        ended = reaped() or {}
        return os.waitstatus_to_exitcode(ended[self._child]) if self._child in ended else None

    def _wait(self, deadline: float | None) -> None:
        left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000 + 1
        for descriptor, _ in self._poll.poll(left if self._exact else min(_LOOK, left or _LOOK)):
            if descriptor == self._output and not self._keep():
                self._poll.unregister(self._output)  # closed by all who had it

    def _keep(self) -> bool:
        """Move some of the output to the log; False if there is none."""
        try:
            data = os.read(self._output, _AT_ONCE)
        except BlockingIOError:
            return False
        self._log.add(data)
        return bool(data)

    def _rung(self) -> bool:
        try:
            return bool(os.read(self._bell, 64))
        except BlockingIOError:
            return False

    def _ask(self, detail: str, grace: float) -> float:
        self.detail = detail
        self._poll.unregister(self._bell)
        send_group(self._child, SIGTERM)
        return time.monotonic() + grace

    def _kill(self) -> None:
        for pid in {self._child, *descendants(os.getpid())}:
            send(pid, SIGKILL)


def _memory_ran_out(groups: list[str]) -> bool:
    for group in groups:
        for name in ("memory.oom_control", "memory.events"):  # of version 1 and 2
            try:
                with open(f"{group}/{name}") as opened:  # noqa: PTH123
                    if any(line.split()[0] == "oom_kill" and line.split()[1] != "0" for line in opened):
                        return True
            except OSError:
                continue
    return False


def _remove(groups: list[str]) -> None:
    for group in groups:
        try:
            os.rmdir(group)  # noqa: PTH106
        except OSError:
            continue  # whoever clears the place tries again


def _write_end(file: str, status: int, detail: str) -> None:
    """Write over what was set aside for it, so that it can be written on a full disk too."""
    part = f"{file}.part"
    descriptor = os.open(part, os.O_RDWR)
    length = os.pwrite(descriptor, f'{{"state": "ended", "exit_status": {status}, "detail": "{detail}"}}'.encode(), 0)
    os.ftruncate(descriptor, length)
    os.rename(part, file)  # noqa: PTH104
