"""What it costs to register a small scikit-learn model with what it needs to run."""

from functools import partial
from pathlib import Path

from tests.bench.figure import PEER, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.side import Side

GIVEN = f"{PEER}, requirements given"
FIGURES = (
    Figure(
        name="register",
        title="scikit-learn model registered with its environment",
        unit="ms",
        more=False,
        targets=(Target(bound=60),),
    ),
    Figure(name="register-again", title="the same, again in one process", unit="ms", more=False),
)


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured of each contestant."""
    found: dict[str, Attempt] = {ground.ours.name: partial(_attempt, ground, ground.ours, True)}
    if ground.peer is not None:
        found[PEER] = partial(_attempt, ground, ground.peer, True)
        found[GIVEN] = partial(_attempt, ground, ground.peer, False)
    return found


def _attempt(ground: Ground, side: Side, inferred: bool, folder: Path) -> dict[str, float]:
    given = {"where": ground.where(side, folder), "seconds": ground.sizes.seconds, "inferred": inferred}
    figures = side.run("registry", given, ground.cores.one)
    names = {"first": "register", "next": "register-again"}
    return {names[told]: value * 1000 for told, value in figures.items()}
