"""Services as containers of a Docker engine.

A replica of a revision is one container, named after it and found again by its labels: what somebody else made under
that name is never taken for it. While it starts, nothing restarts it, so that a failure is seen; once it has been
ready, the engine restarts it whenever it ends by itself or the machine starts anew (``unless-stopped``: ``on-failure``
would leave it down after a reboot). There is no init process in it: the server's first process collects whatever ends
in it.
"""

from __future__ import annotations

import os
import platform
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modelyard.compute import memory
from modelyard.images.spec import running_image_platform
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.service import Placed
from modelyard.services.target import Content, Observed, Plan, Say, Step, Wanted
from modelyard.settings import Settings
from modelyard_deploy.container import confinement, verdict
from modelyard_deploy.container.build import Builder, name_of, needs_builder
from modelyard_deploy.container.engine import Engine
from modelyard_deploy.container.errors import (
    ContainerNameTakenError,
    EngineFailureError,
    PublishedPortTakenError,
    UnfitEngineError,
)
from modelyard_deploy.container.watch import Watch
from modelyard_deploy.place import clear, removed_on_failure
from modelyard_deploy.server import named, not_ready, replica_name, unready, write_keys

if TYPE_CHECKING:
    from docker.models.containers import Container

_POLL = 0.05
_LOG_TAIL = 30
_RESTARTED = {"Name": "unless-stopped"}
_PORTS = 5
"""Attempts to publish a free port, which another may take meanwhile."""


class ContainerTarget:
    """Runs each replica as a container, with what its image asks for and nothing else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watch = Watch()

    def plan(self, wanted: Wanted) -> Plan:
        """Say what `apply` would do; changes nothing.

        Raises
        ------
        EngineUnreachableError, EngineDeniedError, UnfitEngineError
            If there is no engine that can do it.
        """
        with Engine() as engine:
            _check_platform(engine)
            there = engine.find_image(name_of(wanted.image)) is not None
        resources, spec = wanted.image.spec.resources, wanted.image.spec
        port = f"port {wanted.port}" if wanted.port else "a free port"
        own = f"{len(spec.system_packages)} system packages, {len(spec.docker_steps)} steps"
        limits = f"{resources.cpu:g} CPUs, {resources.memory >> 20} MiB"
        steps = (
            Step(verb="use" if there else "build", subject=f"the image {name_of(wanted.image)} ({own})"),
            Step(verb="make", subject=f"two keys in {wanted.place}"),
            Step(verb="run", subject=f"{replica_name(wanted)} on 127.0.0.1, {port} ({limits})"),
            Step(verb="wait", subject=f"until it is ready, at most {wanted.timeout:.0f} s"),
        )
        return Plan(wanted=wanted, steps=steps, place=_placed(wanted, ""))

    def apply(self, plan: Plan, content: Content, say: Say) -> Placed:
        """Carry out a plan, and return when the replica is ready.

        Raises
        ------
        DeploymentFailedError
            If it does not become ready; nothing of it is left.
        BuildFailedError
            If its image cannot be built.
        PublishedPortTakenError, ContainerNameTakenError, EngineFailureError
            If the engine cannot run it.
        """
        wanted = plan.wanted
        with Engine() as engine, removed_on_failure(wanted.place):
            image = self._image(engine, wanted, content, say)
            _make_keys(wanted)
            try:
                started = _start(engine, wanted, image, say)
                return _placed(wanted, _wait(engine, started, say))
            except BaseException:
                for left in engine.containers(confinement.labels_of(wanted)):
                    _end(engine, left, grace=0)
                raise

    def observe(self, placed: Placed) -> Observed:
        """Look at a replica."""
        if placed.machine != platform.node():
            return Observed(state="elsewhere", detail=f"on the machine {placed.machine}")
        return self._watch.observe(placed)

    def logs(self, placed: Placed, lines: int) -> str:
        """Return the last lines that a replica wrote."""
        with Engine() as engine:
            found = engine.containers(confinement.labels_in(placed))
            return _log(engine, found[0], lines) if found else ""

    def remove(self, placed: Placed) -> None:
        """End a replica and remove what it had; does nothing if it is gone.

        Requests that it has taken are answered first.
        """
        with Engine() as engine:
            for container in engine.containers(confinement.labels_in(placed)):
                _end(engine, container, grace=confinement.GRACE if _was_ready(container) else 0)
        clear(Path(placed.facts["place"]))

    def _image(self, engine: Engine, wanted: Wanted, content: Content, say: Say) -> str:
        """Bring the image into the engine, unless it is there, and return its id."""
        _check_platform(engine)
        name = name_of(wanted.image)
        if (found := engine.find_image(name)) is not None:
            return found
        if needs_builder(wanted.image):
            return Builder(engine, self._settings.cache, say).build(wanted.image, wanted.lock, content)
        with tempfile.TemporaryDirectory(prefix="modelyard-archive-") as folder:
            archive = Path(folder, "image.tar")
            image = content.archive(archive, engine.platform)
            say(f"loading {wanted.image.id} into the engine")
            engine.load_image(archive, image, name)
        return image


class _Started(Struct, frozen=True, kw_only=True):
    wanted: Wanted
    container: Any
    url: str


def _check_platform(engine: Engine) -> None:
    if engine.platform != running_image_platform():
        raise UnfitEngineError(engine.address, engine.platform, f"one for {running_image_platform()}, as this machine")


def _keys(wanted: Wanted) -> Path:
    return wanted.place / "secrets" / "keys.json"


def _make_keys(wanted: Wanted) -> None:
    file = _keys(wanted)
    file.parent.mkdir(mode=0o755)  # the place above it is closed to others
    file.parent.chmod(0o755)
    write_keys(wanted, file)
    if os.geteuid() == 0:
        os.chown(file, *confinement.owner())


def _placed(wanted: Wanted, url: str) -> Placed:
    facts = {"place": str(wanted.place), "keys": str(_keys(wanted)), **confinement.labels_of(wanted)}
    return Placed(url=url, machine=platform.node(), facts=facts)


def _start(engine: Engine, wanted: Wanted, image: str, say: Say) -> _Started:
    cpus = engine.cpus()
    if wanted.image.spec.resources.cpu > cpus:
        say(f"the image asks for {wanted.image.spec.resources.cpu:g} CPUs, and gets all {cpus} of the engine")
    for left in range(_PORTS, 0, -1):
        port = wanted.port or _free_port()
        _free_name(engine, wanted)
        container = engine.create(image, **confinement.options(wanted, _keys(wanted).parent, port, cpus))
        say("starting")
        try:
            engine.call(f"to start {container.name}", container.start)
        except PublishedPortTakenError:
            if wanted.port or left == 1:
                raise
            continue
        return _Started(wanted=wanted, container=container, url=f"http://127.0.0.1:{port}")
    raise AssertionError("the last attempt returns or raises")


def _free_name(engine: Engine, wanted: Wanted) -> None:
    """Remove what a cut deployment of the same replica left; leave alone what is another's."""
    taken = engine.named(replica_name(wanted))
    if taken is None:
        return
    if confinement.labels_of(wanted).items() - taken.labels.items():
        raise ContainerNameTakenError(replica_name(wanted))
    _end(engine, taken, grace=0)


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def _wait(engine: Engine, started: _Started, say: Say) -> str:
    wanted, container = started.wanted, started.container
    deadline = time.monotonic() + wanted.timeout
    problem, peak = "it does not answer", 0
    while time.monotonic() < deadline:
        engine.call("to look at a container", container.reload)
        if container.status not in ("running", "created"):
            raise _failure(engine, started, peak)
        problem = unready(started.url)
        if not problem:
            engine.call("to have a container restarted", lambda: container.update(restart_policy=_RESTARTED))
            say("ready")
            return started.url
        peak = max(peak, memory.peak(memory.groups_of(container.attrs["State"]["Pid"])))
        time.sleep(_POLL)
    raise not_ready(wanted, problem, _log(engine, container, _LOG_TAIL))


def _failure(engine: Engine, started: _Started, peak: int) -> DeploymentFailedError:
    """Say why a start failed: what the server recorded in its log, else what the engine says."""
    wanted, state = started.wanted, started.container.attrs["State"]
    limit = wanted.image.spec.resources.memory
    shortage = memory.shortage(limit, peak) if state["OOMKilled"] else ""
    log = _log(engine, started.container, 1000).splitlines()
    if (failure := verdict.recorded(log)) is not None:
        return failure.error(wanted, shortage)
    why = verdict.ending(state, limit, peak)
    hint = "Give the image more memory (ResourceConfig), or fewer workers." if shortage else "The log says more."
    return DeploymentFailedError(named(wanted), "start", why, "\n".join(log[-_LOG_TAIL:]), hint)


def _log(engine: Engine, container: Container, lines: int) -> str:
    said = engine.call("to read a log", lambda: container.logs(tail=lines))
    return said.decode(errors="replace").rstrip("\n")


def _was_ready(container: Container) -> bool:
    """Say whether a container may have requests to answer: only what has been ready is restarted."""
    return bool(container.attrs["HostConfig"]["RestartPolicy"]["Name"] == _RESTARTED["Name"])


def _end(engine: Engine, container: Container, grace: int) -> None:
    """Stop a container and remove it; one that is gone, or is being removed by another, is none of our business."""
    import docker.errors

    def carry_out() -> None:
        with suppress(docker.errors.NotFound):
            container.stop(timeout=grace)
            container.remove(v=True, force=True)

    try:
        engine.call(f"to remove {container.name}", carry_out)
    except EngineFailureError as error:
        if "already in progress" not in error.reason:
            raise
