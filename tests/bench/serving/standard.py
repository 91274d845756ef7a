"""One row and a hundred rows as JSON: rates, times on a schedule, starting and memory, beside all the peers."""

from functools import partial
from pathlib import Path

import numpy as np
from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.machine import descendants, megabytes_held
from tests.bench.serving.contender import Contender, served
from tests.bench.serving.load import Load, Plan, Questions, converse, highest, make_questions, warm_up
from tests.bench.serving.material import Rows, digits, right_answers, rows
from tests.bench.serving.peers import AZURE, BARE, CONSTANT, FLOOR, NGINX, PEERS, ours, the_digits
from tests.bench.serving.raw import raw

_SERVERS = ("FastAPI", "Flask", "MLServer", AZURE, "BentoML", "LitServe", "MLflow")
_TIMES = dict(zip(_SERVERS, (8, 15, 20, 25, 60, 60, 60), strict=True))
FIGURES = (
    Figure(
        name="row",
        title="one row of JSON, 32 connections",
        unit="/s",
        more=True,
        targets=(Target(bound=0.6, beside=NGINX), *(Target(bound=n, beside=name) for name, n in _TIMES.items())),
    ),
    Figure(name="row-processor", title="the server's processor time for each", unit="us", more=False),
    Figure(name="rows", title="100 rows of JSON", unit="/s", more=True, targets=(Target(bound=3, beside="FastAPI"),)),
    Figure(name="rows-model", title="the model's share of that time", unit="%", more=True),
    Figure(
        name="half-p99",
        title="one row, half of its own highest rate, p99",
        unit="ms",
        more=False,
        targets=(Target(bound=3),),
    ),
    Figure(name="half-p999", title="the same, p99.9", unit="ms", more=False, targets=(Target(bound=10),)),
    Figure(name="half-late", title="the client's own lateness in that, p99", unit="ms", more=False),
    Figure(
        name="serve-start",
        title="start to first answer",
        unit="s",
        more=False,
        targets=(Target(bound=1 / 2.2, beside=BARE), *(Target(bound=1, beside=name) for name in _SERVERS)),
    ),
    Figure(
        name="serve-memory",
        title="memory (PSS) with one worker",
        unit="MB",
        more=False,
        targets=(Target(bound=1 / 1.2, beside=BARE),),
    ),
    Figure(
        name="serve-worker", title="each further worker's memory", unit="MB", more=False, targets=(Target(bound=40),)
    ),
)
_CONNECTIONS = 32
_MANY = 100
_QUESTIONS = 64


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured of each contestant; nginx answers the same requests with a constant."""
    found: dict[str, Attempt] = {OURS: partial(_ours, ground)}
    if NGINX in ground.rivals:
        found[NGINX] = partial(_constant, ground)
    return found | {one.name: partial(_attempt, ground, one) for one in (FLOOR, *PEERS) if one.name in ground.rivals}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    figures = _attempt(ground, ours(), folder)
    several = _memory(ground, ours(the_digits, "--workers", "3"), folder / "several")
    alone = raw(ground, digits(ground.folder), [_MANY])
    share = 100 * figures["rows"] / alone.rates[_MANY]
    return figures | {"rows-model": share, "serve-worker": (several - figures["serve-memory"]) / 2}


def _attempt(ground: Ground, contender: Contender, folder: Path) -> dict[str, float]:
    one, many = _questions(ground, contender, folder)
    place = folder / "server"
    place.mkdir(parents=True)
    with served(ground, contender, one.first, place) as running:
        warm_up(ground, running, one)
        held = megabytes_held(descendants(running.process))
        row = highest(ground, running, one, ground.sizes.load, _CONNECTIONS)
        half = Plan(seconds=ground.sizes.load, connections=_CONNECTIONS, rate=row.rate / 2)
        calm = converse(ground, running, one, half)
        warm_up(ground, running, many)
        lot = highest(ground, running, many, ground.sizes.load / 2, _CONNECTIONS)
    return _row(row) | {
        "rows": lot.rate,
        "half-p99": calm.p99,
        "half-p999": calm.p999,
        "half-late": calm.late * 1000,
        "serve-start": running.took,
        "serve-memory": held,
    }


def _constant(ground: Ground, folder: Path) -> dict[str, float]:
    batches = [rows(_QUESTIONS)[number : number + 1] for number in range(_QUESTIONS)]
    right = [{"constant": np.asarray(True)}] * _QUESTIONS
    questions = make_questions(folder / "row", CONSTANT.form, batches, right)
    with served(ground, CONSTANT, questions.first, folder) as running:
        warm_up(ground, running, questions)
        return _row(highest(ground, running, questions, ground.sizes.load, _CONNECTIONS))


def _memory(ground: Ground, contender: Contender, folder: Path) -> float:
    one, _ = _questions(ground, contender, folder)
    with served(ground, contender, one.first, folder) as running:
        warm_up(ground, running, one, _CONNECTIONS)
        return megabytes_held(descendants(running.process))


def _row(load: Load) -> dict[str, float]:
    return {"row": load.rate, "row-processor": 1e6 * load.each}


def _questions(ground: Ground, contender: Contender, folder: Path) -> tuple[Questions, Questions]:
    given = rows(_QUESTIONS)
    ones = [given[number : number + 1] for number in range(_QUESTIONS)]
    lots = [rows(_MANY + 10 * number)[-_MANY:] for number in range(8)]
    return ask(ground, contender, folder / "row", ones), ask(ground, contender, folder / "rows", lots)


def ask(ground: Ground, contender: Contender, folder: Path, batches: list[Rows]) -> Questions:
    """Make the questions about the digits that a contender is asked."""
    right = [right_answers(digits(ground.folder), batch) for batch in batches]
    return make_questions(folder, contender.form, batches, right, **contender.headers)
