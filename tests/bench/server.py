"""What serving costs: starting, memory, and the same recording as in the process, over HTTP on the loopback."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Struct
from tests.bench.embedded import told
from tests.bench.figure import PEER, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.machine import descendants, megabytes_held, pinned
from tests.bench.side import ProgramError, Side, end
from tests.bench.stock import stocked

FIGURES = (
    Figure(name="serve", title="server start to first answer", unit="s", more=False, targets=(Target(bound=1.5),)),
    Figure(name="memory", title="server's memory (PSS)", unit="MB", more=False, targets=(Target(bound=200),)),
    Figure(name="http-log", title="run.log over HTTP", unit="/s", more=True, targets=(Target(bound=100, beside=PEER),)),
    Figure(
        name="http-log-many",
        title="1,000 metrics in one call over HTTP",
        unit="ms",
        more=False,
        targets=(Target(bound=4, beside=PEER),),
    ),
    Figure(
        name="http-run",
        title="runs started and ended over HTTP",
        unit="/s",
        more=True,
        targets=(Target(bound=5, beside=PEER),),
    ),
    Figure(
        name="http-list",
        title="newest 100 of 2,000 runs by a metric over HTTP",
        unit="ms",
        more=False,
        targets=(Target(bound=10),),
    ),
)
_PATIENCE = 120
"""Seconds in which a server has to answer."""


class Server(Struct, frozen=True, kw_only=True):
    """A server that runs: where, as which process, and the seconds from its start to its first answer."""

    url: str
    process: int
    took: float
    output: Path


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured of each contestant; servers may use every core, and so several workers."""
    return {side.name: partial(_attempt, ground, side) for side in ground.sides}


def _attempt(ground: Ground, side: Side, folder: Path) -> dict[str, float]:
    shutil.copytree(stocked(ground, side), folder / "served")
    with _served(ground, side, folder) as server:
        client = msgspec.structs.replace(side, settings=side.settings | _token(ground, side, server))
        given = {"where": server.url, "seconds": ground.sizes.seconds, "runs": ground.sizes.runs}
        figures: dict[str, float] = {}
        for program in ("metrics", "runs", "listing"):
            figures |= _run(client, program, given, ground, server)
        held = megabytes_held(descendants(server.process))
    return {"serve": server.took, "memory": held} | {f"http-{name}": value for name, value in told(figures).items()}


@contextmanager
def _served(ground: Ground, side: Side, folder: Path) -> Iterator[Server]:
    port, output = _free_port(), folder / "server.log"
    ours = side is ground.ours
    command = _modelyard(side, folder, port) if ours else _mlflow(ground, side, folder, port)
    url = f"http://127.0.0.1:{port}"
    start = time.perf_counter()
    with output.open("wb") as log, pinned(ground.cores.everything):
        process = subprocess.Popen(command, env=side.environment(), cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait(process, f"{url}/{'live' if ours else 'health'}", output)
        yield Server(url=url, process=process.pid, took=time.perf_counter() - start, output=output)
    finally:
        end(process)


def _run(client: Side, program: str, given: Mapping[str, Any], ground: Ground, server: Server) -> dict[str, float]:
    try:
        return client.run(program, given, ground.cores.one)
    except ProgramError as error:
        error.add_note(f"The server's log:\n{server.output.read_text(errors='replace')[-4000:]}")
        raise


def _modelyard(side: Side, folder: Path, port: int) -> list[str]:
    program = str(side.python.parent / "modelyard")
    return [program, "server", "start", "--workspace", str(folder / "served"), "--port", str(port), "--json"]


def _mlflow(ground: Ground, side: Side, folder: Path, port: int) -> list[str]:
    program, where = str(side.python.parent / "mlflow"), ground.where(side, folder / "served")
    files = str(folder / "artifacts")
    place = ["--host", "127.0.0.1", "--port", str(port)]
    return [program, "server", "--backend-store-uri", where, "--artifacts-destination", files, *place]


def _wait(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    with httpx.Client(timeout=_PATIENCE, trust_env=False) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if client.get(url).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.005)
    raise ProgramError("the server", process.poll(), output.read_text(errors="replace"))


def _token(ground: Ground, side: Side, server: Server) -> dict[str, str]:
    if side is not ground.ours:
        return {}
    text = server.output.read_text()
    started, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
    return {"MODELYARD_TOKEN": started["token"]}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
