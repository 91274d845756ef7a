"""Clients that do next to nothing, but are many: idle ones, and ones that send a byte in ten seconds."""

import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.machine import descendants, megabytes_held
from tests.bench.serving.contender import Running, served
from tests.bench.serving.load import Plan, client, converse, warm_up
from tests.bench.serving.material import rows
from tests.bench.serving.peers import ours, the_digits
from tests.bench.serving.probe import live
from tests.bench.serving.standard import ask

ROUNDS = 1
FIGURES = (
    Figure(
        name="idle-memory",
        title="5,000 idle connections: memory for each",
        unit="kB",
        more=False,
        targets=(Target(bound=20),),
    ),
    Figure(name="idle-live", title="/live meanwhile, p99", unit="ms", more=False, targets=(Target(bound=50),)),
    Figure(
        name="slow-p99",
        title="500 clients that send a byte in ten seconds: the others' p99, by that before",
        unit="",
        more=False,
        targets=(Target(bound=2),),
    ),
    Figure(
        name="slow-cut", title="the last of them is cut off after", unit="s", more=False, targets=(Target(bound=15),)
    ),
)
_PIECE = 10
"""Seconds between the bytes of a slow client."""
_RATE = 200
_HEAD = b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured; nobody but us takes part."""
    return {OURS: partial(_ours, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    return _idle(ground, folder / "idle") | _slow(ground, folder / "slow")


def _idle(ground: Ground, folder: Path) -> dict[str, float]:
    """Hold idle connections that have each asked once, and ask whether the server lives."""
    count, seconds = ground.sizes.connections, ground.sizes.storm / 2
    probes = live(folder / "live")
    question = probes.first
    with _server(ground, folder) as running:
        before = megabytes_held(descendants(running.process))
        with _connected(running.port, count) as sockets:
            for one in sockets:
                one.sendall(question)
            for one in sockets:
                one.recv(4096)
            watch = Plan(seconds=seconds, connections=2, rate=50, steady=True, sample=1)
            alive = converse(ground, running, probes, watch)
            held = megabytes_held(descendants(running.process)) - before
    return {"idle-memory": 1000 * held / count, "idle-live": alive.p99}


def _slow(ground: Ground, folder: Path) -> dict[str, float]:
    """Let slow clients send heads and bodies byte by byte, while others are served."""
    given = rows(64)
    batches = [given[number : number + 1] for number in range(len(given))]
    questions = ask(ground, ours(), folder / "row", batches)
    seconds = min(60.0, 2 * ground.sizes.storm)
    plan = Plan(seconds=seconds, connections=32, rate=_RATE)
    with _server(ground, folder) as running:
        warm_up(ground, running, questions)
        calm = converse(ground, running, questions, replace(plan, seconds=ground.sizes.load))
        with (
            _connected(running.port, ground.sizes.connections // 10) as sockets,
            client(ground, running, questions, plan) as finished,
        ):
            cut = _dribble(sockets, seconds)
            crowded = finished()
    return {"slow-p99": crowded.p99 / calm.p99, "slow-cut": cut}


@contextmanager
def _server(ground: Ground, folder: Path) -> Iterator[Running]:
    place = folder / "server"
    place.mkdir(parents=True)
    questions = ask(ground, ours(), folder / "first", [rows(1)])
    with served(ground, ours(the_digits, "--idle-timeout", "600"), questions.first, place) as running:
        yield running


@contextmanager
def _connected(port: int, count: int) -> Iterator[list[socket.socket]]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + 1000)), hard))
    with ExitStack() as opened:
        yield [opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)) for _ in range(count)]


def _dribble(sockets: list[socket.socket], seconds: float) -> float:
    """Send a byte on each now and then, half of them within a head; give the seconds until the last was cut off."""
    start, left, sent, last = time.monotonic(), dict.fromkeys(sockets, 0), 0.0, 0.0
    for number, one in enumerate(sockets):
        one.sendall(_HEAD + b"\r\n" * (number % 2))
    while left and (now := time.monotonic() - start) < seconds:
        if now - sent >= _PIECE:
            sent = now
            for one in left:
                with suppress(OSError):
                    one.send(b"x")
        for one in _ended(list(left)):
            del left[one]
            last = time.monotonic() - start
    return seconds if left else last


def _ended(sockets: list[socket.socket]) -> Iterator[socket.socket]:
    watch = select.poll()
    by_number = {one.fileno(): one for one in sockets}
    for number in by_number:
        watch.register(number, select.POLLIN)
    for number, _ in watch.poll(200):
        try:
            ended = not by_number[number].recv(65536)
        except OSError:
            ended = True
        if ended:
            yield by_number[number]
