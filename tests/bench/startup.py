"""What a new process costs: importing, and the way to the first durable metric."""

import statistics
from functools import partial
from pathlib import Path

from tests.bench.figure import PEER, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.side import Side

FIGURES = (
    Figure(
        name="import", title="import, beyond a bare interpreter", unit="ms", more=False, targets=(Target(bound=150),)
    ),
    Figure(
        name="first-metric",
        title="new process to first durable metric",
        unit="s",
        more=False,
        targets=(Target(bound=0.35), Target(bound=5, beside=PEER)),
    ),
    Figure(name="first-metric-new", title="the same, in a new workspace", unit="s", more=False),
)
_TRIES = 3


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured of each contestant."""
    return {side.name: partial(_attempt, ground, side) for side in ground.sides}


def _attempt(ground: Ground, side: Side, folder: Path) -> dict[str, float]:
    core = ground.cores.one
    package = "mlflow" if side is ground.peer else "modelyard"
    bare = statistics.median(side.seconds_of("pass", core) for _ in range(_TRIES))
    whole = statistics.median(side.seconds_of(f"import {package}", core) for _ in range(_TRIES))
    where = {"where": ground.where(side, folder)}
    fresh = side.seconds_until_told("first_metric", where | {"fresh": True}, core)
    again = [side.seconds_until_told("first_metric", where | {"fresh": False}, core) for _ in range(_TRIES)]
    return {
        "import": (whole - bare) * 1000,
        "first-metric": statistics.median(again),
        "first-metric-new": fresh,
    }
