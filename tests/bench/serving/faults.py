"""Workers that are killed, servers that are stopped, clients that leave, a log that nobody reads, at full length.

Each scenario fails the part when what it promises does not hold; what may vary is a figure.
"""

from functools import partial
from pathlib import Path

from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.machine import pinned
from tests.bench.serving.echo import echo
from tests.integration.scoring.scenarios import blocked_log, kills, leaving
from tests.integration.scoring.scenarios.report import CUT_OFF

ROUNDS = 1
FIGURES = (
    Figure(
        name="kill-requests",
        title="a worker killed every two seconds, 300 requests a second, one retry: answers, none lost",
        unit="",
        more=True,
    ),
    Figure(name="kill-lost", title="the same without a retry: lost with each kill", unit="", more=False),
    Figure(
        name="kill-back",
        title="the same, until a killed worker has a successor that serves, at most",
        unit="s",
        more=False,
        targets=(Target(bound=1),),
    ),
    Figure(
        name="stop-requests",
        title="20 stops and 20 reloads under traffic: answers to what was sent before, none lost",
        unit="",
        more=True,
    ),
    Figure(
        name="leave-memory",
        title="2,000 clients leave at nine moments: memory gained",
        unit="%",
        more=False,
        targets=(Target(bound=1),),
    ),
    Figure(
        name="log-p99",
        title="nobody reads the log: p99, by that before",
        unit="",
        more=False,
        targets=(Target(bound=1.05),),
    ),
)
_RATE = 300
_PAUSE = 2.0
"""Seconds between two kills."""
_STOPS = 20
_CLIENTS = 2000


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured; nobody but us takes part."""
    return {OURS: partial(_ours, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    with pinned(ground.cores.other):
        return (
            _killed(ground, folder / "kills")
            | _stopped(ground, folder / "stops")
            | _left(ground, folder / "leaving")
            | _unread(ground, folder / "log")
        )


def _killed(ground: Ground, folder: Path) -> dict[str, float]:
    """Kill a worker of two now and then for as long as the storm lasts; R1."""
    times = max(2, round(ground.sizes.storm / _PAUSE))
    samples = round(0.9 * _RATE * times * _PAUSE)
    found = {}
    for retry in (False, True):
        with echo(ground, folder / str(retry), "--workers", "2", layers=4) as server:
            found[retry] = kills.kill_workers(server, rate=_RATE, times=times, pause=_PAUSE, retry=retry)
        kills.assert_only_what_was_in_flight_is_lost(found[retry], samples=samples)
    found[True].report.assert_all_answered()
    lost = len(found[False].report.of(CUT_OFF).records)
    back = max(*found[False].back, *found[True].back)
    return {"kill-requests": len(found[True].report.records), "kill-lost": lost / times, "kill-back": back}


def _stopped(ground: Ground, folder: Path) -> dict[str, float]:
    """Stop servers by SIGTERM and reload one by SIGHUP under traffic; R3."""
    times, before, answers = _few(ground, _STOPS), 1.0, 0
    for number in range(times):
        with echo(ground, folder / str(number), "--workers", "2", layers=4) as server:
            found = kills.stop(server, rate=_RATE, before=before)
        kills.assert_drained(found, samples=round(0.6 * _RATE * before))
        answers += sum(record.sent < found.at for record in found.report.records)
    with echo(ground, folder / "reloads", "--workers", "2", layers=2) as server:
        report = kills.reload(server, rate=_RATE, times=times, pause=0.5)
    report.assert_min_samples(round(0.4 * _RATE * times)).assert_all_answered()
    return {"stop-requests": answers + len(report.records)}


def _left(ground: Ground, folder: Path) -> dict[str, float]:
    """Let clients leave in the middle, at every point; R21."""
    count = _few(ground, _CLIENTS)
    with echo(ground, folder, layers=2) as server:
        found = leaving.leave(server.port, server.workers()[0], count)
    leaving.assert_nothing_stays(found, count)
    return {"leave-memory": 100 * (found.after.memory - found.before.memory) / found.before.memory}


def _unread(ground: Ground, folder: Path) -> dict[str, float]:
    """Read the log no more; R34."""
    seconds = ground.sizes.storm / 3
    pipe = blocked_log.Pipe()
    try:
        with echo(ground, folder, "--access-log", "all", layers=4, log=pipe.write_end) as server:
            found = blocked_log.block(server, pipe, rate=_RATE, seconds=seconds, flood=100_000)
    finally:
        pipe.join()
    blocked_log.assert_unmoved(found, samples=round(0.9 * _RATE * seconds), slower=1.5)
    return {"log-p99": found.blocked.latency(0.99) / found.read.latency(0.99)}


def _few(ground: Ground, count: int) -> int:
    """Give the whole count in a measurement that means something, and a tenth where every part is only tried."""
    return count if ground.sizes.storm >= 60 else count // 10
