"""Half an hour of traffic at 0.7 of the most: memory and times stay where they are."""

from functools import partial
from pathlib import Path

from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.machine import pinned
from tests.bench.serving.echo import echo
from tests.integration.scoring.scenarios import nonces, soak, traffic

ROUNDS = 1
FIGURES = (
    Figure(
        name="soak-memory",
        title="half an hour at 0.7 of the most: memory gained",
        unit="MB/h",
        more=False,
        targets=(Target(bound=1),),
    ),
    Figure(name="soak-rate", title="the same, what is asked and answered", unit="/s", more=True),
    Figure(
        name="soak-drift",
        title="its last third's p99, by the first's; each the median of the minutes",
        unit="",
        more=False,
        targets=(Target(bound=1.1),),
    ),
)


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured; nobody but us takes part."""
    return {OURS: partial(_ours, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    with pinned(ground.cores.other):
        return _soak(ground, folder)


def _soak(ground: Ground, folder: Path) -> dict[str, float]:
    with echo(ground, folder, layers=2, queue=1000) as server:
        seconds = ground.sizes.soak
        load = traffic.Load(make=nonces.make, check=nonces.check)
        most = min(traffic.most(server.port, load, 64, seconds / 300) for _ in range(10))  # a slow moment's, too
        found = soak.soak(server, rate=0.7 * most, seconds=seconds, warm_up=seconds / 20, every=seconds / 300)
    found.report.assert_all_answered()
    return {
        "soak-memory": found.memory_slope / 1e6,
        "soak-rate": found.report.rate(),
        "soak-drift": found.p99_last / found.p99_first,
    }
