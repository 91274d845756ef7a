"""Workspaces with many runs in them, made once for all rounds.

MLflow takes minutes to make its own; they are kept beside its environment, a set for each release.
"""

import shutil
from pathlib import Path

from tests.bench.ground import Ground
from tests.bench.side import Side


def stocked(ground: Ground, side: Side) -> Path:
    """Give the folder in which a side has its runs; they are made when first asked for."""
    made = ground.folder / f"stock-{side.name}"
    kept = (
        side.python.parents[2] / f"mlflow-{side.version('mlflow')}-{ground.sizes.runs}" if side is ground.peer else made
    )
    if not kept.exists():
        made.mkdir()
        side.run("fill", {"where": ground.where(side, made), "runs": ground.sizes.runs}, ground.cores.one)
        if kept != made:
            shutil.move(made, kept)
    return kept
