"""Models whose runs are long: a large perceptron, and a random forest, beside onnxruntime alone."""

from functools import partial
from pathlib import Path

from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.serving.contender import served
from tests.bench.serving.load import Plan, Questions, client, converse, highest, make_questions, warm_up
from tests.bench.serving.material import Model, forest, network, right_answers, rows
from tests.bench.serving.peers import ours
from tests.bench.serving.probe import live
from tests.bench.serving.raw import RAW, raw

FIGURES = (
    Figure(
        name="network",
        title="a perceptron, rows a second",
        unit="/s",
        more=True,
        targets=(Target(bound=0.95, beside=RAW),),
    ),
    Figure(name="network-run", title="one run of it", unit="ms", more=False),
    Figure(
        name="network-half",
        title="p99 at half load, in runs",
        unit="runs",
        more=False,
        targets=(Target(bound=1.5),),
    ),
    Figure(name="network-chance", title="the same, of arrivals by chance", unit="runs", more=False),
    Figure(
        name="network-live",
        title="slowest /live under full load",
        unit="ms",
        more=False,
        targets=(Target(bound=20),),
    ),
    Figure(name="forest", title="a forest of 300 trees, processor time a row", unit="us", more=False),
    Figure(
        name="forest-over",
        title="what serving adds to that",
        unit="us",
        more=False,
        targets=(Target(bound=15),),
    ),
)
_SIZES = (1, 8, 32, 64, 128)
_FOREST_SIZES = (1, 32, 64, 128, 256)
_CONNECTIONS = 128
_PROBES = 50
"""Requests to /live a second."""


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured of each contestant."""
    return {OURS: partial(_ours, ground), RAW: partial(_raw, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    return _network(ground, folder / "network") | _forest(ground, folder / "forest")


def _raw(ground: Ground, _: Path) -> dict[str, float]:
    perceptron = raw(ground, _perceptron(ground), _SIZES)
    trees = raw(ground, _trees(ground), _FOREST_SIZES)
    run = 1000 / perceptron.rates[1]
    return {"network": perceptron.best_rate, "network-run": run, "forest": 1e6 * trees.least_processor}


def _network(ground: Ground, folder: Path) -> dict[str, float]:
    """Measure the highest rate, and times at half of the rate at which single runs fill the core."""
    alone = raw(ground, _perceptron(ground), [1]).rates[1]
    questions, probes = _questions(ground, _perceptron(ground), folder / "row"), live(folder / "live")
    half = Plan(seconds=ground.sizes.load, connections=_CONNECTIONS, rate=alone / 2, steady=True, sample=5)
    chance = Plan(seconds=ground.sizes.load, connections=_CONNECTIONS, rate=alone / 2, sample=5)
    watch = Plan(seconds=ground.sizes.load, connections=2, rate=_PROBES, steady=True, sample=1)
    with served(ground, ours(_perceptron), questions.first, folder) as running:
        warm_up(ground, running, questions, _CONNECTIONS)
        with client(ground, running, probes, watch) as watched:
            full = highest(ground, running, questions, ground.sizes.load, _CONNECTIONS)
            alive = watched()
        calm, random = (converse(ground, running, questions, one) for one in (half, chance))
    return {
        "network": full.rate,
        "network-run": 1000 / alone,
        "network-half": calm.p99 * alone / 1000,
        "network-chance": random.p99 * alone / 1000,
        "network-live": alive.most,
    }


def _forest(ground: Ground, folder: Path) -> dict[str, float]:
    """Measure the processor time of a request of one row, and how much of it is not onnxruntime's."""
    trees = raw(ground, _trees(ground), _FOREST_SIZES)
    questions = _questions(ground, _trees(ground), folder / "row")
    with served(ground, ours(_trees), questions.first, folder) as running:
        warm_up(ground, running, questions, _CONNECTIONS)
        full = highest(ground, running, questions, ground.sizes.load, _CONNECTIONS)
    return {"forest": 1e6 * full.each, "forest-over": 1e6 * (full.each - trees.least_processor)}


def _perceptron(ground: Ground) -> Model:
    return network(ground.folder, ground.sizes.neurons)


def _trees(ground: Ground) -> Model:
    return forest(ground.folder, ground.sizes.trees)


def _questions(ground: Ground, model: Model, folder: Path) -> Questions:
    contender, given = ours(), rows(64)
    batches = [given[number : number + 1] for number in range(len(given))]
    right = [right_answers(model, batch) for batch in batches]
    return make_questions(folder, contender.form, batches, right, **contender.headers)
