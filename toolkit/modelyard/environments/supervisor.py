"""Run a command so that it ends when whoever asked for it ends, however that happens.

Started as a script: ``python -I -S supervisor.py PARENT_PID COMMAND...``. The command runs in a session of its own; it
is killed with all its children when this process is told to end, or when the parent is gone, SIGKILL included.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

_LOOK = 0.1  # seconds between two looks at whether the parent is still there


def supervise(parent: int, command: list[str]) -> int:
    """Run `command` until it ends or `parent` does; return its exit status, 128 and more for a signal."""
    signal.signal(signal.SIGTERM, _leave)
    child = os.fork()
    if child == 0:
        _become(command)
    threading.Thread(target=_follow, args=(parent, child), daemon=True).start()
    try:
        _, status = os.waitpid(child, 0)
    except BaseException:
        _kill(child)
        raise
    return os.waitstatus_to_exitcode(status) % 256


def _become(command: list[str]) -> None:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        os.execv(command[0], command)  # noqa: S606 - the command is an argument list, made by `process.run`
    finally:
        os._exit(127)


def _follow(parent: int, child: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    _kill(child)


def _kill(child: int) -> None:
    # The child leads its group from `setsid` on; before that there is only itself to end.
    for end in (os.killpg, os.kill):
        try:
            end(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
        return


def _leave(_signal: int, _frame: object) -> None:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(supervise(int(sys.argv[1]), sys.argv[2:]))
