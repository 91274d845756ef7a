"""How our server stands loads that are meant to bring it down: the long forms of what the tests do in short.

Each is done once. What must never be, such as another's answer, fails the part; what may vary is a figure.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.machine import pinned
from tests.bench.serving import crowds
from tests.integration.scoring.conftest import Running, save, write_folder
from tests.integration.scoring.scenarios import nonces, overload, soak, traffic
from tests.integration.scoring.scenarios.report import GAVE_UP

ROUNDS = 1
FIGURES = (
    Figure(
        name="nonces",
        title="requests at three times what is done, 1 in 100 given up: answers, none another's",
        unit="",
        more=True,
    ),
    Figure(
        name="storm-goodput",
        title="three times what is done, for a minute: what is done of it, by the most",
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
    Figure(
        name="idle-memory",
        title="5,000 idle connections: memory for each",
        unit="kB",
        more=False,
        targets=(Target(bound=20),),
    ),
    Figure(name="idle-live", title="/live meanwhile, p99", unit="ms", more=False, targets=(Target(bound=50),)),
    Figure(
        name="slow-p99",
        title="500 clients that send a byte in ten seconds: the others' p99, by that before",
        unit="",
        more=False,
        targets=(Target(bound=2),),
    ),
    Figure(
        name="slow-cut", title="the last of them is cut off after", unit="s", more=False, targets=(Target(bound=15),)
    ),
    Figure(
        name="soak-memory",
        title="half an hour at 0.7 of the most: memory gained",
        unit="MB/h",
        more=False,
        targets=(Target(bound=1),),
    ),
    Figure(
        name="soak-drift",
        title="its last third's p99, by the first's",
        unit="",
        more=False,
        targets=(Target(bound=1.1),),
    ),
)
_RECOVERY = 5


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured; nobody but us takes part."""
    return {OURS: partial(_ours, ground)}


def _ours(ground: Ground, folder: Path) -> dict[str, float]:
    with pinned(ground.cores.other):
        figures = _nonces(ground, folder / "nonces") | _storm(ground, folder / "storm")
        figures |= crowds.idle(ground, folder / "idle") | crowds.slow(ground, folder / "slow")
        return figures | (_soak(ground, folder / "soak") if ground.sizes.soak else {})


@contextmanager
def _echo(ground: Ground, folder: Path, layers: int, queue: int) -> Iterator[Running]:
    """Serve a model that gives back what it gets, at a price for each row, on the server's core."""
    content = nonces.echo(save, size=1024, layers=layers)
    models = {"echo": (content, nonces.SIGNATURE, nonces.SAMPLE)}
    served = write_folder(folder / "served", models, limits={"max_queue": queue})
    with pinned(ground.cores.one):
        server = Running(served, folder, "--run-in", "thread", "--access-log", "errors")
    try:
        yield server.wait()
    finally:
        server.stop()


def _nonces(ground: Ground, folder: Path) -> dict[str, float]:
    with _echo(ground, folder, layers=8, queue=200) as server:
        report = nonces.flood(server.port, ground.sizes.requests)
    nonces.assert_no_answer_is_anothers(report, ground.sizes.requests)
    return {"nonces": len(report.records) - len(report.of(GAVE_UP).records)}


def _storm(ground: Ground, folder: Path) -> dict[str, float]:
    with _echo(ground, folder, layers=24, queue=200) as server:
        (worker,) = server.workers()
        found = overload.overload(
            server.port, worker, seconds=ground.sizes.storm, recovery=min(_RECOVERY, ground.sizes.storm)
        )
    found.report.assert_only(200, 503).assert_right()
    return {
        "storm-goodput": found.goodput / found.capacity,
        "storm-refusal": 1000 * found.refusal,
        "storm-after": found.recovered_p99 / found.calm_p99,
    }


def _soak(ground: Ground, folder: Path) -> dict[str, float]:
    with _echo(ground, folder, layers=2, queue=1000) as server:
        seconds = ground.sizes.soak
        most = traffic.most(server.port, traffic.Load(make=nonces.make, check=nonces.check), 64, 5)
        found = soak.soak(server, rate=0.7 * most, seconds=seconds, warm_up=seconds / 20, every=seconds / 300)
    found.report.assert_all_answered()
    return {"soak-memory": found.memory_slope / 1e6, "soak-drift": found.p99_last / found.p99_first}
