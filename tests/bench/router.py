"""What the router costs a request, and how long a change of traffic takes."""

import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.machine import pinned
from tests.bench.serving.echo import echo
from tests.bench.serving.form import WrongAnswerError
from tests.bench.serving.load import Load, ask_with_wrk
from tests.integration.router.conftest import KEY
from tests.integration.scoring.conftest import Running
from tests.integration.scoring.scenarios import nonces, traffic
from tests.ports import free_port

from modelyard.services.route import Replica, Route, Sticky, Upstream
from modelyard_deploy.router.envoy import Envoy
from modelyard_deploy.router.router import Router

FIGURES = (
    Figure(
        name="router-added",
        title="the router, everything on: added to a request, p50",
        unit="ms",
        more=False,
        targets=(Target(bound=0.3),),
    ),
    Figure(
        name="router-processor",
        title="the same, processor time of a request, 64 connections",
        unit="µs",
        more=False,
        targets=(Target(bound=45),),
    ),
    Figure(name="router-alone", title="the same, one request at a time", unit="µs", more=False),
    Figure(
        name="router-shift",
        title="a change of traffic, until it holds",
        unit="ms",
        more=False,
        targets=(Target(bound=500),),
    ),
)
_CLIENTS = 64
_TURNS = 4
_SHIFTS = 10
_HEADERS = {"content-type": "application/json", "x-api-key": KEY, "x-user": "one"}
_BODY = json.dumps({"data": nonces.rows(0)}).encode()

Ask = Callable[[int, int, float], Load]
"""Asks at a port, from so many connections, for some seconds."""


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured; nobody but us takes part."""
    return {OURS: partial(_ours, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    """Measure with Envoy alone on the last core; who asks and who answers have another."""
    beside = replace(ground, cores=replace(ground.cores, one=ground.cores.other))
    with pinned(ground.cores.other), echo(beside, folder / "served", layers=0) as server, _router(ground) as router:
        shifted = _shifted(router, server)
        ask = partial(_ask, _requests(folder / "asked"))
        return shifted | _alone(router, server, ask, ground.sizes.load) | _crowded(router, ask, ground.sizes.load)


class _Routed:
    """A router with one service, everything on, whose two revisions are one server."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.router = folder, free_port(), Router(folder)
        self._keys = folder / "keys.json"
        self._keys.touch(0o600)
        self._keys.write_text(json.dumps({"primary": KEY}))

    @property
    def pid(self) -> int:
        """The process that is Envoy."""
        process = Envoy(self.folder).find()
        assert process is not None
        return process.pid

    def shift(self, server: Running, weight: int) -> None:
        """Give the second revision a weight of 100."""
        replicas = (Replica(port=server.port),)
        upstreams = tuple(
            Upstream(revision=number, replicas=replicas, weight=share)
            for number, share in ((1, 100 - weight), (2, weight))
        )
        sticky = Sticky(by="header", name="x-user")
        self.router.apply(
            Route(service="echo", port=self.port, upstreams=upstreams, sticky=sticky, keys=str(self._keys))
        )


@contextmanager
def _router(ground: Ground) -> Iterator[_Routed]:
    folder = Path(tempfile.mkdtemp(prefix="router-"))
    routed = _Routed(folder)
    try:
        with pinned(ground.cores.one):
            routed.router.ensure()
        yield routed
    finally:
        routed.router.stop()
        shutil.rmtree(folder)


def _shifted(routed: _Routed, server: Running) -> dict[str, float]:
    routed.shift(server, 0)
    took = []
    for turn in range(_SHIFTS):
        start = time.perf_counter()
        routed.shift(server, (turn + 1) * 10)
        took.append(time.perf_counter() - start)
    return {"router-shift": 1000 * statistics.median(took)}


def _alone(routed: _Routed, server: Running, ask: Ask, seconds: float) -> dict[str, float]:
    """Ask on one connection, with and without the router in turn."""
    direct, through = [], []
    before, answers = _worked(routed.pid), 0
    for _ in range(_TURNS):
        direct.append(ask(server.port, 1, seconds / _TURNS).p50)
        found = ask(routed.port, 1, seconds / _TURNS)
        through.append(found.p50)
        answers += found.answers
    worked = _worked(routed.pid) - before
    return {
        "router-added": statistics.median(through) - statistics.median(direct),
        "router-alone": 1e6 * worked / answers,
    }


def _crowded(routed: _Routed, ask: Ask, seconds: float) -> dict[str, float]:
    """Load it from many connections; the microseconds that Envoy worked for an answer."""
    before = _worked(routed.pid)
    return {"router-processor": 1e6 / ask(routed.port, _CLIENTS, seconds).answers * (_worked(routed.pid) - before)}


def _requests(folder: Path) -> Path:
    """Write the request as wrk takes it."""
    folder.mkdir(parents=True)
    (folder / "headers").write_text("".join(f"{name}: {value}\n" for name, value in _HEADERS.items()))
    (folder / "0").write_bytes(_BODY)
    return folder


def _ask(requests: Path, port: int, connections: int, seconds: float) -> Load:
    """Ask as fast as answers come: with wrk where it is installed, else with clients in Python."""
    if shutil.which("wrk"):
        found = ask_with_wrk(requests, "/score", port, seconds=seconds, connections=connections)
    else:
        found = _clients(port, connections, seconds)
    if found.failed or not found.answers:
        raise WrongAnswerError(f"{found.failed} of {found.answers} requests failed.")
    return found


def _clients(port: int, connections: int, seconds: float) -> Load:
    head = "".join(f"{name}: {value}\r\n" for name, value in _HEADERS.items())
    sent = f"POST /score HTTP/1.1\r\nhost: localhost\r\n{head}content-length: {len(_BODY)}\r\n\r\n".encode() + _BODY
    load = traffic.Load(make=lambda _: sent, check=lambda _, answer: answer.status == 200, connections=connections)
    report = asyncio.run(traffic.Traffic(port, load).closed(connections, seconds)).assert_all_answered()
    took = sorted(1000 * (record.ended - record.sent) for record in report.records)
    return Load(answers=len(took), seconds=seconds, failed=0, p50=took[len(took) // 2], p99=took[len(took) * 99 // 100])


def _worked(pid: int) -> float:
    """Read the processor time of a process and all its threads, in seconds."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9
