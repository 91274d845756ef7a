"""What the router costs a request, and how long a change of traffic takes."""

import asyncio
import http.client
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.machine import pinned
from tests.bench.serving.echo import echo
from tests.integration.router.conftest import KEY, free_port
from tests.integration.scoring.conftest import Running
from tests.integration.scoring.scenarios import nonces
from tests.integration.scoring.scenarios.traffic import Load, Traffic

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
        title="the same, processor time of a request",
        unit="µs",
        more=False,
        targets=(Target(bound=45),),
    ),
    Figure(
        name="router-shift",
        title="a change of traffic, until it holds",
        unit="ms",
        more=False,
        targets=(Target(bound=500),),
    ),
)
_ASKED = 1000
_CLIENTS = 32
_SHIFTS = 10


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured; nobody but us takes part."""
    return {OURS: partial(_ours, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    with pinned(ground.cores.other), echo(ground, folder / "served", layers=0) as server, _router(ground) as router:
        return (
            _shifted(router, server)
            | {"router-added": _added(router, server, max(100, round(_ASKED * min(1, ground.sizes.load))))}
            | {"router-processor": _processor(router, ground.sizes.load)}
        )


class _Routed:
    """A router with one service, everything on, whose two revisions are one server."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.router = folder, free_port(), Router(folder)
        self._keys = folder / "keys.json"
        self._keys.touch(0o600)
        self._keys.write_text(json.dumps({"primary": KEY}))

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
    folder = Path(tempfile.mkdtemp(prefix="router-"))  # a path short enough for a socket
    try:
        with pinned(ground.cores.one):
            routed = _Routed(folder)
            routed.router.ensure()
        yield routed
        routed.router.stop()
    finally:
        shutil.rmtree(folder)


def _shifted(routed: _Routed, server: Running) -> dict[str, float]:
    routed.shift(server, 0)
    took = []
    for turn in range(_SHIFTS):
        start = time.perf_counter()
        routed.shift(server, (turn + 1) * 10)
        took.append(time.perf_counter() - start)
    return {"router-shift": 1000 * statistics.median(took)}


def _added(routed: _Routed, server: Running, count: int) -> float:
    """Ask with and without the router in turn, on two connections that are kept; the difference in milliseconds."""
    body = json.dumps({"data": nonces.rows(0)})
    headers = {"content-type": "application/json", "x-api-key": KEY, "x-user": "one"}
    took: dict[int, list[float]] = {}
    connections = {port: http.client.HTTPConnection("127.0.0.1", port) for port in (server.port, routed.port)}
    for turn in range(2 * count):
        port = (server.port, routed.port)[turn % 2]
        start = time.perf_counter()
        connections[port].request("POST", "/score", body, headers)
        answer = connections[port].getresponse()
        answer.read()
        took.setdefault(port, []).append(time.perf_counter() - start)
        assert answer.status == 200, answer.status
    for connection in connections.values():
        connection.close()
    return 1000 * (statistics.median(took[routed.port]) - statistics.median(took[server.port]))


def _processor(routed: _Routed, seconds: float) -> float:
    """Load it from many connections; the microseconds that Envoy worked for an answer."""

    def make(number: int) -> bytes:
        first, _, rest = nonces.make(number).partition(b"\r\n")
        return first + f"\r\nx-api-key: {KEY}\r\nx-user: {number % 1000}\r\n".encode() + rest

    load = Load(make=make, check=nonces.check, connections=_CLIENTS)
    process = Envoy(routed.folder).find()
    assert process is not None
    before = _worked(process.pid)
    report = asyncio.run(Traffic(routed.port, load).closed(_CLIENTS, seconds)).assert_all_answered()
    return 1e6 * (_worked(process.pid) - before) / len(report.records)


def _worked(pid: int) -> float:
    """Read the processor time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
