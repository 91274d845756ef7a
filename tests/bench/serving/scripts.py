"""A trivial script, served by us and by the server whose contract it is."""

from functools import partial
from pathlib import Path

import numpy as np
from tests.bench.figure import OURS, Figure, Target
from tests.bench.ground import Attempt, Ground
from tests.bench.serving.contender import PROGRAMS, Contender, Launch, served
from tests.bench.serving.folder import script_folder
from tests.bench.serving.form import DATA
from tests.bench.serving.load import highest, make_questions, warm_up
from tests.bench.serving.material import rows
from tests.bench.serving.peers import AZURE, azure, our_launch, ours

FIGURES = (
    Figure(
        name="script",
        title="a trivial script, 32 connections",
        unit="/s",
        more=True,
        targets=(Target(bound=5, beside=AZURE),),
    ),
    Figure(name="script-processor", title="the server's processor time for each", unit="us", more=False),
)
_SCRIPT = PROGRAMS / "trivial_script.py"
_QUESTIONS = 64
_CONNECTIONS = 32


def contestants(ground: Ground) -> dict[str, Attempt]:
    """Give what is measured of each contestant."""
    both = [Contender(name=OURS, launch=_launch, form=DATA, headers=ours().headers)]
    if AZURE in ground.rivals:
        both.append(Contender(name=AZURE, launch=azure(_SCRIPT), form=DATA))
    return {one.name: partial(_attempt, ground, one) for one in both}


def _launch(ground: Ground, folder: Path) -> Launch:
    return our_launch(ground, folder, script_folder(folder / "served", _SCRIPT))


def _attempt(ground: Ground, contender: Contender, folder: Path) -> dict[str, float]:
    given = rows(_QUESTIONS)
    batches = [given[number : number + 1] for number in range(_QUESTIONS)]
    right = [{"sum": np.asarray(batch.sum())} for batch in batches]
    questions = make_questions(folder / "row", contender.form, batches, right, **contender.headers)
    with served(ground, contender, questions.first, folder) as running:
        warm_up(ground, running, questions)
        load = highest(ground, running, questions, ground.sizes.load, _CONNECTIONS)
    return {"script": load.rate, "script-processor": 1e6 * load.each}
