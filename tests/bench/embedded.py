"""What recording costs in the process itself: metrics, runs, and reading them back."""

from functools import partial
from pathlib import Path

from tests.bench.figure import PEER, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.side import Side
from tests.bench.stock import stocked

PLAIN = "sqlite3"
FIGURES = (
    Figure(
        name="log",
        title="durable run.log",
        unit="/s",
        more=True,
        targets=(Target(bound=0.25, beside=PLAIN), Target(bound=25, beside=PEER)),
    ),
    Figure(
        name="log-many",
        title="1,000 metrics in one call",
        unit="ms",
        more=False,
        targets=(Target(bound=4, beside=PEER),),
    ),
    Figure(name="run", title="runs started and ended", unit="/s", more=True, targets=(Target(bound=5, beside=PEER),)),
    Figure(
        name="list", title="newest 100 of 2,000 runs by a metric", unit="ms", more=False, targets=(Target(bound=10),)
    ),
)


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured of each contestant."""
    found: dict[str, Attempt] = {side.name: partial(_attempt, ground, side) for side in ground.sides}
    return found | {PLAIN: partial(_plain, ground)}


def _attempt(ground: Ground, side: Side, folder: Path) -> dict[str, float]:
    given = {"where": ground.where(side, folder), "seconds": ground.sizes.seconds, "runs": ground.sizes.runs}
    core = ground.cores.one
    logged = side.run("metrics", given, core)
    ran = side.run("runs", given, core)
    listed = side.run("listing", given | {"where": ground.where(side, stocked(ground, side))}, core)
    return told(logged | ran | listed)


def told(figures: dict[str, float]) -> dict[str, float]:
    """Name what the programs told as the figures are named, in their units."""
    return {
        "log": figures["log"],
        "log-many": figures["log_many"] * 1000,
        "run": figures["run"],
        "list": figures["list"] * 1000,
    }


def _plain(ground: Ground, folder: Path) -> dict[str, float]:
    return ground.plain.run("metrics", {"where": folder, "seconds": ground.sizes.seconds}, ground.cores.one)
