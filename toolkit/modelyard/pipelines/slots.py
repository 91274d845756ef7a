"""Who has the slots of compute targets: each goes to the pipeline that has the fewest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select

from modelyard.compute.computes import note_use
from modelyard.pipelines.tables import pipeline_run, pipeline_step

# made once: a run is looked at here whenever a step of it ends
_step = pipeline_step.c
_BUSY = (_step.compute == bindparam("compute")) & _step.state.in_(("running", "queued"))
_MINE = select(_step.position).where(_BUSY, _step.run == bindparam("of"), _step.state == "running")
_OTHERS = (
    select(_step.run, _step.state, func.count())
    .select_from(pipeline_step.join(pipeline_run))
    .where(_BUSY, _step.run != bindparam("of"))
    .where(pipeline_run.c.is_open, pipeline_run.c.machine == bindparam("machine"))
    .group_by(_step.run, _step.state)
)
_COUNTS = select(_step.state, func.count()).where(_BUSY).group_by(_step.state)


class Claim(Struct, frozen=True, kw_only=True):
    """What a run asks for.

    Parameters
    ----------
    run
        The number by which rows refer to it.
    slots
        How many the compute target has on the machine.
    wanted
        How many steps are to begin.
    over
        Positions of steps that do not run any more.
    waited
        Slots that were left to others a moment ago, and that these have not taken, may be taken.
    """

    run: int
    compute: str
    machine: str
    slots: int
    wanted: int
    over: frozenset[int]
    waited: bool


def granted(connection: Connection, claim: Claim) -> int:
    """Say how many steps may begin; nobody else may be counting meanwhile."""
    place = {"compute": claim.compute, "of": claim.run, "machine": claim.machine}
    had = set(connection.execute(_MINE, place).scalars())
    others: dict[int, Counter[str]] = {}
    for run, state, count in connection.execute(_OTHERS, place):
        others.setdefault(run, Counter())[state] = count
    free = claim.slots - len(had - claim.over) - sum(one["running"] for one in others.values())
    return dealt(free, len(had), claim.wanted, [] if claim.waited else list(others.values()))


def dealt(free: int, running: int, wanted: int, others: Sequence[Counter[str]]) -> int:
    """Deal out free slots, each to the run with the fewest, and say how many are for a run that has `running`.

    Its steps that have just ended still count, so that a slot goes from run to run where there are fewer than runs.
    """
    taken = 0
    for _ in range(free):
        least = min((one for one in others if one["queued"]), key=lambda one: one["running"], default=None)
        if least is not None and least["running"] < running + taken:
            least.update(running=1, queued=-1)
        elif taken < wanted:
            taken += 1
    return taken


def note_slots(connection: Connection, compute: str) -> None:
    """Write down how many steps run on a compute target, and how many wait for it."""
    counts = {row[0]: row[1] for row in connection.execute(_COUNTS, {"compute": compute})}
    note_use(connection, compute, counts.get("running", 0), counts.get("queued", 0))
