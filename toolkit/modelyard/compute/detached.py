"""Start a process that outlives the shell and the process that started it.

The second half of this file runs as a program: it makes a session of its own, starts the command there, says its
number and ends, so that the command is nobody's child and no terminal's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def start_detached(command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path) -> int:
    """Start `command` (its program by an absolute path) in `folder`, its output appended to `log`; say its number.

    Raises
    ------
    OSError
        If the program cannot be started.
    """
    started = subprocess.run(
        [sys.executable, "-I", "-S", __file__, str(log), *command],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if started.returncode:
        raise OSError(started.stderr.strip() or f"{command[0]} cannot be started")
    return int(started.stdout)


def _detach(log: str, command: list[str]) -> None:
    if not os.access(command[0], os.X_OK):
        sys.exit(f"{command[0]} is not a program")
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.setsid()
    if child := os.fork():
        print(child)  # noqa: T201 - the answer to whoever started this
        return
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.execv(command[0], command)  # noqa: S606 - an argument list, not a shell's line


if __name__ == "__main__":
    _detach(sys.argv[1], sys.argv[2:])
