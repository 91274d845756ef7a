"""How a script ended, in words that help."""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.compute.process import meaning
from modelyard.tracking.run import ENDS_AS, RunError, RunInfo, StatusChange
from modelyard.tracking.status import Status

_TAIL_BYTES, _TAIL_LINES = 8192, 30
_MISSING_MODULE = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'", re.MULTILINE)
_TRACEBACK = "Traceback (most recent call last):"


class Ending(Struct, frozen=True, kw_only=True):
    """What becomes of a run; `error` is there where it failed, `exit_status` where its script ran."""

    status: Status
    error: RunError | None = None
    exit_status: int | None = None


def failed(message: str, code: str, tail: str = "") -> Ending:
    """Make the ending of a run that failed."""
    return Ending(status="Failed", error=RunError(message=message, code=code, traceback=tail))


def ended(script: str, status: int, log: Path) -> Ending:
    """Make the ending of a run whose script has ended by itself, with the end of what it wrote."""
    if status == 0:
        return Ending(status="Completed", exit_status=0)
    tail = _tail(log)
    error = RunError(message=f"{script}: {meaning(status)}.{_hint(tail)}", code="script-failed", traceback=tail)
    return Ending(status="Failed", error=error, exit_status=status)


def as_said(info: RunInfo, ending: Ending) -> Ending:
    """Return how a run ends whose script has ended as `ending`, and may have said otherwise before it ended well."""
    if ending.status != "Completed" or ENDS_AS not in info.details:
        return ending
    said = msgspec.convert(info.details[ENDS_AS], StatusChange)
    return msgspec.structs.replace(ending, status=said.status, error=said.error)


def _tail(log: Path) -> str:
    """Read the last traceback that a log ends with, or its last lines."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = text.splitlines()
    last = max((at for at, line in enumerate(lines) if line.startswith(_TRACEBACK)), default=0)
    return "\n".join(lines[max(last, 0 if last else len(lines) - _TAIL_LINES) :])


def _hint(tail: str) -> str:
    if "modelyard: " in tail and " cannot be started: " in tail:
        return f" {tail.splitlines()[-1]}."
    missing = _MISSING_MODULE.findall(tail)
    if not missing:
        return ""
    package = missing[-1].partition(".")[0]
    return f" Its environment has no module {package!r}: add the package to the environment's requirements."
