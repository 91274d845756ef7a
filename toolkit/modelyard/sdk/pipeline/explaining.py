"""Why the steps of a run ran, or needed not: each compared with the same step of a run before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.backend.backend import Backend
from modelyard.paging import every
from modelyard.pipelines.explanation import Explanation, differences, kept_in
from modelyard.pipelines.key import Key
from modelyard.pipelines.run import PIPELINE, StepInfo
from modelyard.tracking.run import RunQuery

if TYPE_CHECKING:
    from modelyard.sdk.pipeline.run import PipelineRun


def explained(run: PipelineRun, against: PipelineRun | None) -> list[Explanation]:
    """Explain each step of `run`; without `against` by the run before it in its experiment, if there is one."""
    other = against or _before(run)
    earlier = {} if other is None else {one.name: one for one in other.step_infos() if one.leaves}
    return [explained_by(run.backend, step, earlier.get(step.name)) for step in run.step_infos()]


def explained_by(backend: Backend, step: StepInfo, earlier: StepInfo | None) -> Explanation:
    """Explain a step by the same one of an earlier run."""
    if step.because is None:
        waits = step.state in ("waiting", "queued")
        return Explanation(step=step.name, because="waits", detail="" if waits else f"{step.state}: {step.detail}")
    if step.because != "changed":
        return Explanation(step=step.name, because=step.because, detail=step.detail)
    if earlier is None:
        return Explanation(step=step.name, because="new")
    kept = kept_in(backend.trees.get, backend.blobs)
    found = differences(Key(leaves=earlier.leaves), Key(leaves=step.leaves), kept)
    if not found:  # the same as then, but that one did not finish
        return Explanation(
            step=step.name, because="new", detail=f"in {earlier.run or 'the run before'} it did not finish"
        )
    return Explanation(step=step.name, because="changed", differences=found)


def _before(run: PipelineRun) -> PipelineRun | None:
    query = RunQuery(experiment=run.info.experiment, type=(PIPELINE,))
    earlier = (info for info in every(run.backend.runs.list, query) if info.number < run.number)
    return next((type(run)(run.workspace, info) for info in earlier), None)
