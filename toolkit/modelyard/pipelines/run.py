"""Runs of pipelines as values: what is wanted of one, and how it stands with its steps."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from modelyard.pipelines.explanation import Because
from modelyard.pipelines.graph import Graph, Value
from modelyard.tracking.run import RunError, RunInfo

PIPELINE = "pipeline"
"""The type of the run of a pipeline; those of its steps are within it."""
NAME, COMPUTE = "step", "compute"
"""Properties of the run of a step: its name, and its compute target."""

StepState = Literal["waiting", "queued", "running", "finished", "reused", "failed", "canceled", "skipped"]
"""waiting: for steps before it, or to be tried again; queued: for a slot of its compute target; skipped: a step before
it did not succeed."""

DONE: frozenset[StepState] = frozenset({"finished", "reused"})
ENDED: frozenset[StepState] = DONE | {"failed", "canceled", "skipped"}


class Options(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a pipeline is to be run.

    Parameters
    ----------
    parameters
        Values for parameters of the graph; the others have their defaults.
    regenerate
        Run every step, whatever there is of it.
    continue_on_failure
        When a step fails, go on with those that do not need it.
    resumed
        The run of the same pipeline whose finished steps need not run again, whether they may be reused or not.
    python, installed
        The interpreter of steps without an environment, and the digest of what is installed there.
    """

    parameters: dict[str, Value] = {}
    regenerate: bool = False
    continue_on_failure: bool = False
    resumed: str = ""
    python: str = ""
    installed: str = ""


class NewPipelineRun(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pipeline to run in an experiment; its graph is sealed. `details` are kept with its run."""

    experiment: str
    graph: Graph
    options: Options = Options()
    tags: dict[str, str] = {}
    details: dict[str, Any] = {}


class StepOutput(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a step has written: a tree, and the path in it that is meant; empty for the whole folder."""

    tree: str
    path: str = ""


class StepInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How it stands with a step.

    Parameters
    ----------
    position
        In the graph.
    attempt
        How often it has been started; `lost` of these because what ran it was gone.
    run
        The run that records it; of a reused step that of the earlier one.
    leaves
        What decided what it writes: see `pipelines.key`.
    because
        Why it runs or need not; `detail` says more.
    not_before
        When it is tried again, in seconds since 1970.
    """

    position: int
    name: str
    compute: str = "local"
    state: StepState = "waiting"
    attempt: int = 0
    lost: int = 0
    run: str = ""
    leaves: dict[str, Value] = {}
    because: Because | None = None
    detail: str = ""
    outputs: dict[str, StepOutput] = {}
    error: RunError | None = None
    not_before: float | None = None
    started: float | None = None
    ended: float | None = None


class PipelineRunInfo(Struct, frozen=True, kw_only=True):
    """The run of a pipeline: what is recorded of it, how it is to be run, and the digest of its graph."""

    run: RunInfo
    graph: str
    options: Options


class StepQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which steps of a run: at most `limit` (1 to 1000) after a position."""

    limit: int = 1000
    cursor: str | None = None


class CacheEntry(Struct, frozen=True, kw_only=True):
    """What the newest step with a key has written, when (seconds since 1970), and the run that records it."""

    key: str
    run: str
    created: float
    outputs: dict[str, StepOutput]
