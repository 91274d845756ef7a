"""What onnxruntime alone does in a loop on the server's core."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from tests.bench.ground import Ground
from tests.bench.serving.contender import PROGRAMS
from tests.bench.serving.material import Model, rows
from tests.bench.side import Side

RAW = "onnxruntime alone"
_ROWS = 512


class Raw(Struct, frozen=True, kw_only=True):
    """By the rows of a run: runs a second, and processor seconds a run."""

    rates: dict[int, float]
    processor: dict[int, float]

    @property
    def best_rate(self) -> float:
        """Rows a second, with the batch for which that is highest."""
        return max(size * rate for size, rate in self.rates.items())

    @property
    def least_processor(self) -> float:
        """Processor seconds a row, with the batch for which that is least."""
        return min(seconds / size for size, seconds in self.processor.items())


def raw(ground: Ground, model: Model, sizes: Sequence[int]) -> Raw:
    """Run a model in a loop, with batches of so many rows."""
    file = ground.folder / "rows.npy"
    if not file.exists():
        np.save(file, rows(_ROWS))
    settings = {"MODEL": str(model.file), "PYTHONPATH": str(PROGRAMS)}
    side = Side(
        name=RAW, python=ground.plain.python, programs="serving/programs", folder=ground.folder, settings=settings
    )
    given = {"rows": str(file), "sizes": list(sizes), "seconds": ground.sizes.load / 4 / len(sizes) ** 0.5}
    found = side.run("raw", given, ground.cores.one)
    return Raw(
        rates={size: found[f"rate {size}"] for size in sizes}, processor={size: found[f"cpu {size}"] for size in sizes}
    )
