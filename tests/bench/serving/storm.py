"""Our server under more than it can do, at the full size of what the tests do in short.

What must never be, such as another's answer, fails the part; what may vary is a figure.
"""

from functools import partial
from pathlib import Path

from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.machine import pinned
from tests.bench.serving.echo import echo
from tests.integration.scoring.scenarios import nonces, overload
from tests.integration.scoring.scenarios.report import GAVE_UP

ROUNDS = 1
FIGURES = (
    Figure(
        name="nonces",
        title="requests at three times what is done, 1 in 100 given up: answers, none another's",
        unit="",
        more=True,
    ),
    Figure(name="storm-offered", title="a minute of overload: what is asked, by the most", unit="", more=True),
    Figure(
        name="storm-goodput",
        title="the same, what is done, by the most",
        unit="",
        more=True,
        targets=(Target(bound=0.9),),
    ),
    Figure(name="storm-refusal", title="the same, refusals, p99", unit="ms", more=False, targets=(Target(bound=100),)),
    Figure(
        name="storm-after",
        title="p99 five seconds later, by that before",
        unit="",
        more=False,
        targets=(Target(bound=1.5),),
    ),
)
_RECOVERY = 5
"""Seconds after which times are as before."""


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured; nobody but us takes part."""
    return {OURS: partial(_ours, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    with pinned(ground.cores.other):
        return _nonces(ground, folder / "nonces") | _storm(ground, folder / "storm")


def _nonces(ground: Ground, folder: Path) -> dict[str, float]:
    with echo(ground, folder, layers=8, queue=200) as server:
        report = nonces.flood(server.port, round(1.01 * ground.sizes.requests))
    nonces.assert_no_answer_is_anothers(report, ground.sizes.requests)
    return {"nonces": len(report.records) - len(report.of(GAVE_UP).records)}


def _storm(ground: Ground, folder: Path) -> dict[str, float]:
    with echo(ground, folder, layers=24, queue=200) as server:
        (worker,) = server.workers()
        found = overload.overload(
            server.port, worker, seconds=ground.sizes.storm, recovery=min(_RECOVERY, ground.sizes.storm)
        )
    found.report.assert_only(200, 503).assert_right()
    return {
        "storm-offered": found.offered / found.capacity,
        "storm-goodput": found.goodput / found.capacity,
        "storm-refusal": 1000 * found.refusal,
        "storm-after": found.recovered_p99 / found.calm_p99,
    }
