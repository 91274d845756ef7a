"""Services as processes of this machine.

A replica of a revision is a gunicorn master with its workers in a session of their own: it outlives the shell, and is
found again by its process number together with the time at which that process started, so that a number that was given
to another process in the meantime is not taken for it.
"""

from __future__ import annotations

import math
import os
import platform
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.compute import group
from modelyard.compute.detached import start_detached
from modelyard.environments.cache import EnvironmentCache
from modelyard.environments.uv_program import Uv
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.service import Placed
from modelyard.services.target import Content, Observed, Plan, Say, Step, Wanted
from modelyard.settings import Settings
from modelyard_deploy.noted import noted
from modelyard_deploy.place import clear, removed_on_failure
from modelyard_deploy.server import Failure, named, not_ready, replica_name, unready, write_keys
from modelyard_deploy.session import SessionProcess

_POLL = 0.02
_LOG_TAIL = 30
_KEYS = "keys.json"
_NOTE = "process.json"
"""Which process runs a replica; it writes this itself before it becomes the server."""


class _Address(Struct, frozen=True):
    url: str
    pid: int


class ProcessTarget:
    """Runs each replica as a gunicorn master with its workers, in the environment of its lock."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._environments = EnvironmentCache(settings.cache / "environments", uv=Uv(offline=settings.offline))

    def plan(self, wanted: Wanted) -> Plan:
        """Say what `apply` would do; changes nothing."""
        there = self._environments.find(wanted.lock) is not None
        packages = f"{len(wanted.lock.packages)} packages, lock {wanted.lock.digest[:12]}"
        port = f"port {wanted.port}" if wanted.port else "a free port"
        steps = (
            Step(verb="use" if there else "make", subject=f"the environment ({packages})"),
            Step(verb="write", subject=f"the model folder of {wanted.image.id} in {wanted.place}"),
            Step(verb="make", subject="two keys"),
            Step(verb="start", subject=f"{wanted.image.spec.resources.workers} workers on 127.0.0.1, {port}"),
            Step(verb="wait", subject=f"until it is ready, at most {wanted.timeout:.0f} s"),
        )
        return Plan(wanted=wanted, steps=steps, place=_placed(wanted, ""))

    def apply(self, plan: Plan, content: Content, say: Say) -> Placed:
        """Carry out a plan, and return when the replica is ready.

        Raises
        ------
        DeploymentFailedError
            If it does not become ready; nothing of it is left.
        """
        wanted = plan.wanted
        python = self._environments.realise(wanted.lock, progress=say, brought=content.packages) / "bin" / "python"
        with removed_on_failure(wanted.place), _dissolved_on_failure(wanted.place):
            say(f"writing the model folder of {wanted.image.id}")
            content.write(wanted.place / "model")
            write_keys(wanted, wanted.place / _KEYS)
            say("starting")
            return self._start(wanted, python, content.server(self._settings.cache), say)

    def observe(self, placed: Placed) -> Observed:
        """Look at a replica."""
        if placed.machine != platform.node():
            return Observed(state="elsewhere", detail=f"on the machine {placed.machine}")
        try:
            process = _process(placed)
        except OSError as error:
            return Observed(state="unknown", detail=f"{error.filename} cannot be read: {error.strerror}")
        short = group.shortage(Path(placed.facts["place"]))
        if process is None or not process.alive():
            return Observed(state="stopped", detail=f"its process has ended{short and f', {short}'}")
        problem = unready(placed.url)
        detail = "; ".join(part for part in (problem, short) if part)
        return Observed(state="unready" if problem else "running", detail=detail)

    def logs(self, placed: Placed, lines: int) -> str:
        """Return the last lines that a replica wrote."""
        return _tail(Path(placed.facts["place"]) / "log.txt", lines)

    def remove(self, placed: Placed) -> None:
        """End a replica and remove what it had; does nothing if it is gone."""
        if (process := _process(placed)) is not None:
            process.end()
        group.dissolve(Path(placed.facts["place"]))
        clear(Path(placed.facts["place"]))

    def _start(self, wanted: Wanted, python: Path, server: Path, say: Say) -> Placed:
        place = wanted.place
        command = [str(python), "-m", "modelyard_scoring", str(place / "model")]
        command += ["--port", str(wanted.port), "--workers", str(wanted.image.spec.resources.workers)]
        command += ["--image", wanted.image.digest]
        for name in ("keys", "failure", "address"):
            command += [f"--{name}-file", str(place / f"{name}.json")]
        groups, reason = group.hold(place, replica_name(wanted), wanted.image.spec.resources)
        cpus = () if groups else _cpus(wanted)
        if not groups:
            kept = f"it keeps to the CPUs {', '.join(map(str, cpus))}" if cpus else "nor are its CPUs"
            say(f"its memory is not limited ({reason}); {kept}")
        noting = noted(command, place / _NOTE, groups=groups, cpus=cpus)
        environment = _environment(wanted, server)
        pid = start_detached(noting, environment=environment, folder=place, log=place / "log.txt")
        process = SessionProcess.of(pid)
        try:
            return _placed(wanted, _wait(wanted, process, say).url)
        except BaseException:
            process.end()
            raise


@contextmanager
def _dissolved_on_failure(place: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        group.dissolve(place)
        raise


def _cpus(wanted: Wanted) -> tuple[int, ...]:
    """Choose CPUs where no control group shares them out: others for each replica, as far as there are enough."""
    if not hasattr(os, "sched_getaffinity"):  # not Linux
        return ()
    there, count = sorted(os.sched_getaffinity(0)), math.ceil(wanted.image.spec.resources.cpu)
    first = zlib.crc32(wanted.service.encode()) + (wanted.replica - 1) * count
    return tuple(sorted({there[(first + number) % len(there)] for number in range(count)}))


def _environment(wanted: Wanted, server: Path) -> dict[str, str]:
    """Give a service what it needs of this process's environment, none of its secrets, and what its image says."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    own = {variable.name: variable.value for variable in wanted.image.spec.variables}
    return {
        **kept,
        "ORT_DISABLE_TELEMETRY": "1",
        **own,
        "HOME": str(wanted.place),
        "PYTHONPATH": str(server),
        "PYTHONUNBUFFERED": "1",
    }


def _wait(wanted: Wanted, process: SessionProcess, say: Say) -> _Address:
    deadline = time.monotonic() + wanted.timeout
    file = wanted.place / "address.json"
    problem = "it does not listen"
    while time.monotonic() < deadline:
        if not process.alive():
            raise _failure(wanted)
        if file.is_file():
            address = msgspec.json.decode(file.read_bytes(), type=_Address)
            problem = unready(address.url)
            if not problem:
                say("ready")
                return address
        time.sleep(_POLL)
    raise not_ready(wanted, problem, _tail(wanted.place / "log.txt", _LOG_TAIL))


def _failure(wanted: Wanted) -> DeploymentFailedError:
    """Say why the server ended: what it recorded, else the end of what it wrote."""
    short = group.shortage(wanted.place)
    try:
        failure = msgspec.json.decode((wanted.place / "failure.json").read_bytes(), type=Failure)
    except (FileNotFoundError, msgspec.DecodeError):
        tail = _tail(wanted.place / "log.txt", _LOG_TAIL)
        hint = "If the log ends without a reason, it was killed: look at the machine's memory."
        return DeploymentFailedError(named(wanted), "start", short or "the server ended", tail, hint)
    return failure.error(wanted, short)


def _placed(wanted: Wanted, url: str) -> Placed:
    return Placed(
        url=url, machine=platform.node(), facts={"place": str(wanted.place), "keys": str(wanted.place / _KEYS)}
    )


def _process(placed: Placed) -> SessionProcess | None:
    try:
        noted = (Path(placed.facts["place"]) / _NOTE).read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(noted, type=SessionProcess)


def _tail(file: Path, lines: int) -> str:
    """Read the last lines of a file, of its last 4 MiB at most."""
    try:
        with file.open("rb") as opened:
            opened.seek(-min(file.stat().st_size, 4 << 20), os.SEEK_END)
            return "\n".join(opened.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
