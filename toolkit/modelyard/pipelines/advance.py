"""What passes between a runner and the rows of runs of pipelines, as values."""

from __future__ import annotations

from msgspec import Struct

from modelyard.pipelines.graph import Graph
from modelyard.pipelines.run import CacheEntry, PipelineRunInfo, StepInfo, StepOutput
from modelyard.pipelines.wholeness import Fault
from modelyard.tracking.files import NewFile
from modelyard.tracking.run import StatusChange
from modelyard.tracking.status import Status


class PipelineDueQuery(Struct, frozen=True, kw_only=True):
    """For which machine to look."""

    machine: str


class PipelinesDue(Struct, frozen=True, kw_only=True):
    """The runs that a machine's runner looks after."""

    runs: tuple[str, ...]


class PipelineLook(Struct, frozen=True, kw_only=True):
    """All that there is to know of a run to go on with it."""

    info: PipelineRunInfo
    graph: Graph
    steps: tuple[StepInfo, ...]


class EndedRun(Struct, frozen=True, kw_only=True):
    """How the run of a step has ended; `outputs` are trees by name, `files` what belongs to the run."""

    run: str
    change: StatusChange
    exit_status: int | None = None
    outputs: dict[str, str] = {}
    files: tuple[NewFile, ...] = ()


class PipelineAdvance(Struct, frozen=True, kw_only=True):
    """What the runner has brought about of a run and wants next, all of it or nothing.

    Parameters
    ----------
    token
        Of the lease on the run.
    machine
        Which brings it about.
    steps
        As they stand now.
    begin
        Queued steps that are to have a slot of their compute target; `slots` says how many each target has.
    inputs
        Trees that such steps read, by positions and names, but for what steps have written; their runs keep them.
    waited
        Slots that were left to other runs a moment ago, and that these have not taken, may be taken.
    ended
        The runs of steps that have ended.
    entries
        What is to be found by later runs.
    changes
        What becomes of the run itself, in this order.
    is_done
        Whether all has ended, and nothing of the jobs is there any more: no runner looks after the run from now on.
    """

    token: int
    machine: str
    steps: tuple[StepInfo, ...] = ()
    begin: tuple[StepInfo, ...] = ()
    slots: dict[str, int] = {}
    inputs: dict[int, dict[str, str]] = {}
    waited: bool = False
    ended: tuple[EndedRun, ...] = ()
    entries: tuple[CacheEntry, ...] = ()
    changes: tuple[StatusChange, ...] = ()
    is_done: bool = False


class PipelineAdvanced(Struct, frozen=True, kw_only=True):
    """Which steps were given a slot, with their new runs, and how the run itself stands."""

    begun: tuple[StepInfo, ...]
    status: Status


class CacheKeys(Struct, frozen=True, kw_only=True):
    """Keys of steps."""

    keys: tuple[str, ...]


class CacheEntries(Struct, frozen=True, kw_only=True):
    """What was found."""

    entries: tuple[CacheEntry, ...]


class KeptOutputs(Struct, frozen=True, kw_only=True):
    """The outputs of steps, for each by their names."""

    outputs: tuple[dict[str, StepOutput], ...]


class Faults(Struct, frozen=True, kw_only=True):
    """What is wrong with each, in this order; None if it is whole."""

    faults: tuple[Fault | None, ...]
