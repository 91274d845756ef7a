"""Run a script so that all of it ends: when it is told to, and when whoever looks after it dies.

Started by `program`, with GRACE LOG COMMAND…. The command runs in a session of its own, its output appended to the file
LOG. Standard input comes from the process that looks after it: a byte asks for the end, and so does the end of the
input, which comes when that process is gone, SIGKILL included. The script's group then gets SIGTERM, and GRACE seconds
later everything that it has started gets SIGKILL. Two lines are written to standard output: ``started PID`` and ``ended
STATUS`` (negative: the signal that ended it).
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from modelyard.compute.processes import adopt, become, end_all, reaped, send_group

_LOOK = 0.05
"""Seconds between two looks at whether the script still runs."""
_LEFTOVERS_GRACE = 2.0
"""Seconds that processes get which the script has left behind."""


def main() -> None:
    """Run a command to its end, and leave nothing of it behind."""
    grace, log, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
    for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)  # the pipe says when to end
    adopt()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        become(command, os.environ, os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), parent, [])
    _report(f"started {child}")
    status = _follow(child, grace)
    end_all(min(grace, _LEFTOVERS_GRACE))
    _report(f"ended {status}")


def _follow(child: int, grace: float) -> int:
    """Wait for the script; end it when the pipe says so."""
    deadline: float | None = None
    while True:
        if child in (ended := reaped() or {}):
            return os.waitstatus_to_exitcode(ended[child])
        if deadline is None:
            if select.select([0], [], [], _LOOK)[0]:
                deadline = time.monotonic() + grace
                send_group(child, signal.SIGTERM)
        else:
            if time.monotonic() >= deadline:
                send_group(child, signal.SIGKILL)
            time.sleep(_LOOK)


def _report(line: str) -> None:
    try:
        os.write(1, f"{line}\n".encode())
    except BrokenPipeError:
        return
