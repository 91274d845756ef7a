"""Guards of jobs, started by a process that has loaded all that they need."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import threading
import weakref

import msgspec
from msgspec import Struct

from modelyard.compute.program import program


class Request(Struct, frozen=True, kw_only=True):
    """What a guard is to do: see `job_guard`.

    Parameters
    ----------
    state, number
        The file that says which job was started at a place, and the name of the folder beside it.
    directory
        Where the command runs.
    groups
        Control groups that it joins.
    """

    state: str
    number: str
    directory: str
    command: tuple[str, ...]
    environment: dict[str, str]
    grace: float
    timeout: float | None
    log_limit: int
    groups: tuple[str, ...] = ()


class Guards:
    """Starts guards; its process is started with the first, and ends with this object, or this process."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def load(self) -> None:
        """Begin to load what guards need, if it is not loaded."""
        with self._turn:
            self._loaded()

    def start(self, request: Request) -> None:
        """Start the guard of a job.

        Raises
        ------
        FileExistsError
            If a job was started at that place before.
        OSError
            If the guard cannot be started.
        """
        line = json.dumps(msgspec.to_builtins(request)).encode()  # also of names that are no unicode
        with self._turn:
            answer = self._ask(line) or self._ask(line)  # another time if somebody has ended the process
        status = int(answer or errno.EIO)
        if status:
            raise OSError(status, os.strerror(status), request.state)

    def _ask(self, line: bytes) -> bytes:
        process = self._loaded()
        try:
            process.stdin.write(line + b"\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return process.stdout.readline()  # type: ignore[union-attr]
        except BrokenPipeError:
            return b""

    def _loaded(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                program("job_guard"), cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
            weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.communicate()
