"""Running a program to its end: bounded in time, and never left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

_SUPERVISOR = Path(__file__).with_name("supervisor.py")


class Finished(Struct, frozen=True, kw_only=True):
    """How a program ended and what it wrote."""

    status: int
    stdout: str
    stderr: str


def run(command: Sequence[str], *, timeout: float, environment: Mapping[str, str], folder: Path) -> Finished:
    """Run `command` in `folder` for at most `timeout` seconds.

    It is killed, with its children, when the time is over, when the caller is interrupted, and when the calling
    process dies.

    Raises
    ------
    TimeoutError
        If it did not end in time.
    """
    argv = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(os.getpid()), *command]
    with subprocess.Popen(
        argv,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.terminate()
            raise TimeoutError(f"{command[0]} took more than {timeout:g} s") from None
        except BaseException:
            process.terminate()
            raise
    return Finished(status=process.returncode, stdout=stdout, stderr=stderr)
