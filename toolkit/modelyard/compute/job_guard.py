"""Run jobs to their ends, whatever becomes of whoever started them.

Started by `program`, once for many jobs. Each line of standard input is a request, the JSON of a `guards.Request`; the
answer is a line with 0, or the number of an error (EEXIST: a job was started at that place before). There are three
processes for each job, forked from here, where all is loaded. The first takes the lock and writes the note that make
sure that a job is started once, and ends. The second stands behind the third, which leads the command: when that one is
killed, the second ends all that the command has started. Both hold the lock, and the bell open, so that whoever looks
or waits knows that they are there. `local` says what lies in the folder of a job.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelyard.compute import memory
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
    """Start the guard of a job for each request."""
    while line := sys.stdin.buffer.readline():
        if (child := os.fork()) == 0:
            _guard(**json.loads(line))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(1, b"%d\n" % status)


def _guard(state: str, number: str, directory: str, **job: Any) -> None:
    folder = Path(state).parent / number
    try:
        log = BoundedLog(str(folder / LOG), job["log_limit"])
        os.setsid()
        os.chdir(directory)
        for inherited, own in enumerate(
            (os.open(os.devnull, os.O_RDWR), os.open(os.devnull, os.O_RDWR), log.descriptor)
        ):
            os.dup2(own, inherited)
        bell = os.open(folder / BELL, os.O_RDWR | os.O_NONBLOCK)
        lock = _take(state, number)
        started = os.fork()
    except OSError as error:
        os._exit(error.errno or errno.EIO)
    if started:
        os._exit(0)
    adopt()
    if child := os.fork():
        _stand_behind(child)
        _leave(lock)
    adopt()
    command = _Command(job["command"], job["environment"], job["groups"], log, bell)
    status = command.run(job["grace"], job["timeout"])
    _write_end(folder / ENDED, status, command.detail)
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


class _Command:
    """The command, from its start to its end."""

    def __init__(
        self, command: list[str], environment: dict[str, str], groups: list[str], log: BoundedLog, bell: int
    ) -> None:
        self.detail = ""
        self._groups = [Path(group) for group in groups]
        self._log, self._bell = log, bell
        self._output, output = os.pipe()
        os.set_blocking(self._output, False)
        parent = os.getpid()
        self._child = os.fork()
        if self._child == 0:
            become(command, environment, output, parent, groups)
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
        if status and not self.detail and memory.kills(self._groups):
            self.detail = "memory"
        for group in self._groups:
            with suppress(OSError):  # whoever clears the place tries again
                group.rmdir()
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


def _write_end(file: Path, status: int, detail: str) -> None:
    """Write over what was set aside for it, so that it can be written on a full disk too."""
    part = file.with_name(f"{file.name}.part")
    with part.open("r+") as opened:
        json.dump({"state": "ended", "exit_status": status, "detail": detail}, opened)
        opened.truncate()
    part.rename(file)
