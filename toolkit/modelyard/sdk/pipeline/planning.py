"""What a pipeline would do if it were submitted now: which steps would run and why, without a run or a job."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from modelyard.paging import every
from modelyard.pipelines.explanation import Explanation
from modelyard.pipelines.graph import Graph, Step
from modelyard.pipelines.key import Key
from modelyard.pipelines.layout import layers_of
from modelyard.pipelines.operations import checked_parameters
from modelyard.pipelines.run import DONE, PIPELINE, Options, StepInfo, StepQuery
from modelyard.sdk.pipeline.computes import ComputeTargets
from modelyard.sdk.pipeline.decision import Decider, from_outputs
from modelyard.sdk.pipeline.explaining import explained_by
from modelyard.sdk.pipeline.work import Work
from modelyard.sdk.workspace import Workspace
from modelyard.tracking.run import RunQuery

if TYPE_CHECKING:
    from modelyard.runner.holder import Lease


def plan(workspace: Workspace, experiment: str, graph: Graph, options: Options) -> list[Explanation]:
    """Say for each step of a sealed graph whether it would run, and why.

    A step that comes after one that would run waits: what it reads is not known yet. Differences are those to the last
    run of a pipeline in the experiment.

    Raises
    ------
    InvalidParametersError
        If it does not take a parameter.
    NotFoundError
        If what a step reads is not in its datastore, or there is no compute target of a name.
    """
    planning = _Planning(workspace, graph, options)
    for name in layers_of({step.name: graph.before(step) for step in graph.steps}):
        planning.decide(graph.step(name))
    earlier = _last_steps(workspace, experiment)
    return [_explained(workspace, graph, planning.infos[step.name], earlier) for step in graph.steps]


class _Planning:
    """Decides for steps, those first that others wait for, as the runner does."""

    def __init__(self, workspace: Workspace, graph: Graph, options: Options) -> None:
        backend = workspace.backend
        self._graph = graph
        self._options = options
        parameters = checked_parameters(graph, options.parameters)
        self._decider = Decider(backend, graph, options, parameters, {})
        self._computes = ComputeTargets(workspace)
        self._work = Work(workspace, cast("Lease", None))  # which is asked for inputs alone, and these need none
        self.infos = {step.name: StepInfo(position=at, name=step.name) for at, step in enumerate(graph.steps)}

    def decide(self, step: Step) -> None:
        """Decide for a step whose predecessors are decided."""
        info = self.infos[step.name]
        if self._options.regenerate:
            self.infos[step.name] = replace(info, because="regenerate")
            return
        before = [self.infos[name] for name in self._graph.before(step)]
        if any(one.state not in DONE for one in before):
            return
        given = from_outputs(step, self.infos) | self._work.inputs(step)
        keys = {one.name: Key(leaves=one.leaves).digest for one in before}
        key = self._decider.key(step, given, keys, self._computes.info(step.compute).kind)
        decision = self._decider.decide({0: (step, key)})[0]
        info = replace(info, leaves=decision.key.leaves, because=decision.because, detail=decision.detail)
        if decision.reused is not None:
            info = replace(info, state="reused", run=decision.reused.run, outputs=decision.reused.outputs)
        self.infos[step.name] = info


def _explained(workspace: Workspace, graph: Graph, info: StepInfo, earlier: dict[str, StepInfo]) -> Explanation:
    if info.because is None:
        return Explanation(step=info.name, because="waits", detail=", ".join(graph.before(graph.step(info.name))))
    return explained_by(workspace.backend, info, earlier.get(info.name))


def _last_steps(workspace: Workspace, experiment: str) -> dict[str, StepInfo]:
    query = RunQuery(experiment=experiment, type=(PIPELINE,), limit=1)
    for info in workspace.backend.runs.list(query).items:
        found = every(partial(workspace.backend.pipelines.steps, info.id), StepQuery())
        return {step.name: step for step in found if step.leaves}
    return {}
