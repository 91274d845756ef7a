"""A hundred rows as a binary tensor, beside onnxruntime alone."""

from functools import partial
from pathlib import Path

from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.serving import form
from tests.bench.serving.contender import served
from tests.bench.serving.load import highest, warm_up
from tests.bench.serving.material import WIDTH, digits, rows
from tests.bench.serving.peers import ours
from tests.bench.serving.raw import RAW, raw
from tests.bench.serving.standard import ask

FIGURES = (
    Figure(
        name="tensor",
        title="100 rows as a binary v2 tensor",
        unit="/s",
        more=True,
        targets=(Target(bound=0.6, beside=RAW),),
    ),
    Figure(name="tensor-processor", title="the processor time for each", unit="us", more=False),
)
_MANY = 100
_CONNECTIONS = 32


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured of each contestant."""
    return {OURS: partial(_ours, ground), RAW: partial(_raw, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    outputs = tuple(name for name, _, _ in digits(ground.folder).outputs)
    contender = ours(form=form.binary("digits", WIDTH, outputs))
    questions = ask(ground, contender, folder / "rows", [rows(_MANY + 10 * number)[-_MANY:] for number in range(8)])
    with served(ground, contender, questions.first, folder) as running:
        warm_up(ground, running, questions)
        load = highest(ground, running, questions, ground.sizes.load, _CONNECTIONS)
    return {"tensor": load.rate, "tensor-processor": 1e6 * load.each}


def _raw(ground: Ground, _: Path) -> dict[str, float]:
    alone = raw(ground, digits(ground.folder), [_MANY])
    return {"tensor": alone.rates[_MANY], "tensor-processor": 1e6 * alone.processor[_MANY]}
