"""How fast a large file is kept, beside the plainest loop that hashes and copies it."""

from functools import partial
from pathlib import Path

from tests.bench.figure import Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.side import Side

PLAIN, SYNCED = "hash and copy", "hash, copy, fsync"
FIGURES = (
    Figure(
        name="upload",
        title="artifact of 200 MB",
        unit="MB/s",
        more=True,
        targets=(Target(bound=0.8, beside=PLAIN), Target(bound=0.8, beside=SYNCED)),
    ),
)


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured of each contestant; all of them may use every core."""
    copies = {PLAIN: False, SYNCED: True}
    found: dict[str, Attempt] = {side.name: partial(_attempt, ground, side) for side in ground.sides}
    return found | {name: partial(_copy, ground, sync) for name, sync in copies.items()}


def _attempt(ground: Ground, side: Side, folder: Path) -> dict[str, float]:
    given = {"where": ground.where(side, folder), "folder": folder, "megabytes": ground.sizes.megabytes}
    return side.run("artifacts", given, ground.cores.everything)


def _copy(ground: Ground, sync: bool, folder: Path) -> dict[str, float]:
    given = {"where": folder, "sync": sync, "megabytes": ground.sizes.megabytes}
    return ground.plain.run("artifacts", given, ground.cores.everything)
