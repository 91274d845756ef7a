"""Try the code of an image before it is built: as it will run there, in a process that is bounded and watched."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from modelyard.compute.process import meaning
from modelyard.images.trials.attempt import Ended, Limits, attempt
from modelyard.images.trials.hints import Failure, hint_for, innermost
from modelyard.images.trials.judgement import Declared, Judgement, Place, judge
from modelyard.images.trials.report import TrialReport
from modelyard.images.trials.statements import read_statements
from modelyard.images.trials.touched import Touched, read_touched

_LARGEST_RECORD = 2**20
_NEAR = 0.9
"""The share of the memory limit from which on a process that was killed was short of memory."""
_KILLED = frozenset([-signal.SIGKILL, 128 + signal.SIGKILL])
_OF_THE_IMAGE = {
    "LANG": "C.UTF-8",
    "ORT_DISABLE_TELEMETRY": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}
"""Variables that every image has."""


def try_out(
    folder: Path, *, python: Path, server: Path, declared: Declared, limits: Limits, say: Callable[[str], None]
) -> TrialReport:
    """Import the code of a model folder, call its ``init()``, and have it answer its sample.

    That happens in a session of its own, with the variables that the image has and no others, and all of it has ended
    when this returns, is interrupted, or dies. A failure of the code is in the report, not raised.

    Parameters
    ----------
    folder
        The model folder.
    python
        The interpreter of the image's environment.
    server
        The folder that holds the scoring package alone.
    say
        Is told what happens, as it happens.
    """
    say(f"trying the code: it has {limits.seconds:g} s")
    with tempfile.TemporaryDirectory(prefix="modelyard-trial-", ignore_cleanup_errors=True) as scratch:
        place = Path(scratch)
        home = place / "home"
        home.mkdir()
        command = [str(python), "-m", "modelyard_scoring", str(folder.resolve()), "--check"]
        for name in ("failure", "touched"):
            command += [f"--{name}-file", str(place / f"{name}.json")]
        environment = _environment(python, server, home, declared)
        ended = attempt(command, folder=home, environment=environment, log=place / "log", limits=limits)
        touched = read_touched(place / "touched.json")
        where = Place(folder=folder.resolve(), server=server.absolute(), home=home)
        judgement = Judgement() if touched is None else _judgement(touched, declared, where)
        report = TrialReport(
            failure=_failure(ended, _record(place / "failure.json"), limits),
            seconds=ended.seconds,
            peak_memory=ended.peak,
            log=ended.log,
            touched=touched,
            judgement=judgement,
        )
    say("the code passed" if report.failure is None else f"the code failed in the phase {report.failure.phase}")
    return report


def _environment(python: Path, server: Path, home: Path, declared: Declared) -> dict[str, str]:
    variables = {one.name: one.value for one in (*declared.lock.variables, *declared.variables)}
    return {
        **_OF_THE_IMAGE,
        "PATH": f"{python.absolute().parent}:/usr/local/bin:/usr/bin:/bin",
        **variables,
        "HOME": str(home),
        "PYTHONPATH": str(server.absolute()),
    }


def _judgement(touched: Touched, declared: Declared, place: Place) -> Judgement:
    own = [file for file in touched.read if file.startswith(f"{place.folder}/") and file.endswith(".py")]
    return judge(touched, declared, place, read_statements(own))


def _record(file: Path) -> Failure | None:
    """Read why the server says that it failed; None where it says nothing that can be read."""
    try:
        with file.open("rb") as opened:
            return msgspec.json.decode(opened.read(_LARGEST_RECORD), type=Failure)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _failure(ended: Ended, record: Failure | None, limits: Limits) -> Failure | None:
    """Say why the trial failed; None if it did not."""
    if ended.status == 0 and not ended.cut:
        return None
    if record is not None:
        record = innermost(record)
    else:
        message = f"the server ended without saying why: {meaning(ended.status)}"
        record = Failure(phase="start", type="ServerEnded", message=message, exit_status=ended.status)
    if ended.cut == "time":
        return replace(
            record,
            type="TimeoutError",
            message=f"it was not done after {limits.seconds:g} s",
            hint="Give it more time, or have it load less; the traceback says where it was.",
            exit_status=None,
        )
    if _short_of_memory(ended, record, limits):
        return _out_of_memory(ended, record, limits)
    return replace(record, hint=hint_for(record), meaning=_meaning(record.exit_status))


def _meaning(status: int | None) -> str:
    if status in _KILLED:
        return "it was killed (SIGKILL), and not for the limit of its memory"
    return "" if status is None else meaning(status)


def _short_of_memory(ended: Ended, record: Failure, limits: Limits) -> bool:
    if ended.cut == "memory" or record.type == "MemoryError":
        return True
    near = limits.memory is not None and ended.peak >= _NEAR * limits.memory
    return near and record.exit_status in _KILLED


def _out_of_memory(ended: Ended, record: Failure, limits: Limits) -> Failure:
    limit = "no limit" if limits.memory is None else f"a limit of {limits.memory / 2**20:.0f} MiB"
    return replace(
        record,
        type="OutOfMemory",
        message=f"it ran out of memory: it had {ended.peak / 2**20:.0f} MiB at most, with {limit}",
        hint="Give the service more memory, or have it load less: a smaller model, or numbers such as float32.",
        meaning="out of memory; a container would end with the status 137",
    )
