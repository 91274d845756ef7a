"""Waiting for a run's end, with its logs on the screen if asked."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from modelyard.errors import RunFailedError
from modelyard.tracking.run import RunInfo
from modelyard.tracking.status import FINAL

if TYPE_CHECKING:
    from modelyard.sdk.run.run import Run

PATIENCE = 60.0
"""Seconds for which a run may give no sign of life before nobody waits for it any more."""

_SHORTEST, _LONGEST = 0.05, 1.0
"""Seconds between two looks: it begins with the one and grows to the other."""


def wait(run: Run, *, show_output: bool, raise_on_error: bool, patience: float = PATIENCE) -> RunInfo:
    """Return when `run` has ended, or has given no sign of life for `patience` seconds.

    Raises
    ------
    RunFailedError
        If it did not complete, and `raise_on_error` is set.
    """
    shown: dict[str, int] = {}
    pause, silent_since = _SHORTEST, None
    while True:
        info = run.info
        if show_output:
            pause = _SHORTEST if _show(run, shown) else pause
        if info.status in FINAL:
            break
        silent_since = (silent_since or time.monotonic()) if info.status == "NotResponding" else None
        if silent_since is not None and time.monotonic() >= silent_since + patience:
            break
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST)
    if raise_on_error and info.status != "Completed":
        raise RunFailedError(info.id, info.status, reason(info))
    return info


def reason(info: RunInfo, command: str = "run logs") -> str:
    """Say why a run ended as it did, and which command tells more of a failure."""
    if info.error is not None:
        return f"{info.error.message} (more: modelyard {command} {info.id})"
    return "it gives no sign of life." if info.status == "NotResponding" else "it was canceled."


def _show(run: Run, shown: dict[str, int]) -> bool:
    """Print what has been added to the logs, and say whether there was anything."""
    grown = False
    for log in run.backend.logs.list(run.id).items:
        if log.size > shown.get(log.path, 0):
            for data in run.read_log(log.path, shown.get(log.path, 0)):
                sys.stdout.write(data.decode(errors="replace"))
                shown[log.path] = shown.get(log.path, 0) + len(data)
            grown = True
    if grown:
        sys.stdout.flush()
    return grown
