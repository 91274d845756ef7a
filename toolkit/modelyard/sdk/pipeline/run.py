"""The run of a pipeline that a user holds, and those of its steps."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import msgspec
from msgspec.structs import replace

import modelyard
from modelyard.errors import InvalidValueError, NotFoundError, StateError
from modelyard.paging import every
from modelyard.pipelines.explanation import Explanation
from modelyard.pipelines.graph import Graph, Value
from modelyard.pipelines.published import NewPublishedPipeline
from modelyard.pipelines.run import PIPELINE, NewPipelineRun, StepInfo, StepQuery
from modelyard.sdk.author import author
from modelyard.sdk.pipeline import submission
from modelyard.sdk.pipeline.explaining import explained
from modelyard.sdk.pipeline.following import follow
from modelyard.sdk.pipeline.step_run import StepOutputs, StepRun, output_of
from modelyard.sdk.run.run import Run
from modelyard.sdk.runner import ensure_runner
from modelyard.sdk.workspace import Workspace
from modelyard.tracking.run import RunInfo

if TYPE_CHECKING:
    from modelyard.sdk.experiment import Experiment
    from modelyard.sdk.pipeline.pipeline import Pipeline
    from modelyard.sdk.pipeline.published import PublishedPipeline


class PipelineRun(Run):
    """One run of a pipeline; made by ``Experiment.submit``, found by ``PipelineRun.get`` and ``Run.get``.

    Raises
    ------
    InvalidValueError
        If the run is none of a pipeline.
    """

    def __init__(self, workspace: Workspace, info: RunInfo) -> None:
        super().__init__(workspace, info)
        if info.type != PIPELINE:
            raise InvalidValueError(f"run {info.id}", f"it is of the type {info.type!r}, not the run of a pipeline")

    @classmethod
    def submit(
        cls,
        pipeline: Pipeline,
        experiment: Experiment,
        *,
        tags: Mapping[str, object] | None = None,
        pipeline_parameters: Mapping[str, Value] | None = None,
        regenerate_outputs: bool = False,
        continue_on_step_failure: bool = False,
    ) -> Self:
        """Have a pipeline run; see ``Pipeline.submit``."""
        workspace = experiment.workspace
        options = submission.options_of(
            workspace,
            pipeline_parameters=pipeline_parameters,
            regenerate_outputs=regenerate_outputs,
            continue_on_step_failure=continue_on_step_failure,
        )
        new = submission.submitted(pipeline, experiment.name, options, tags or {})
        return cls.get(workspace, submission.start(workspace, new))

    @functools.cached_property
    def graph(self) -> Graph:
        """What is run, as a value."""
        return msgspec.json.decode(self.backend.blobs.read(self._details.graph), type=Graph)

    def get_graph(self) -> Graph:
        """Return what is run, as a value."""
        return self.graph

    def get_steps(self) -> list[StepRun]:
        """List the runs of the steps that have one by now, in the order of the pipeline."""
        return [StepRun(self, info) for info in self.step_infos() if info.run]

    def step_infos(self) -> list[StepInfo]:
        """Say how it stands with each step."""
        return list(every(lambda query: self.backend.pipelines.steps(self.id, query), StepQuery()))

    def find_step_run(self, name: str) -> list[StepRun]:
        """Find the run of the step of a name: a list of one, or of none if it has not begun.

        Raises
        ------
        NotFoundError
            If the pipeline has no such step.
        """
        return [] if not (info := self._info_of(name)).run else [StepRun(self, info)]

    def get_pipeline_output(self, pipeline_output_name: str) -> StepOutputs:
        """Find what some step has written under a name.

        Raises
        ------
        NotFoundError
            If no step writes an output of that name.
        StateError
            If it is not written yet, or never was.
        """
        for step in self.graph.steps:
            if pipeline_output_name in step.outputs:
                return output_of(self.workspace, self._info_of(step.name), pipeline_output_name)
        raise NotFoundError(
            "pipeline output", pipeline_output_name, [n for one in self.graph.steps for n in one.outputs]
        )

    def wait_for_completion(
        self,
        show_output: bool = True,
        wait_post_processing: bool = False,
        raise_on_error: bool = True,
        timeout_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Wait until it has ended, and return `get_details`.

        Parameters
        ----------
        show_output
            Show how it stands with the steps: on a terminal a tree that changes, elsewhere a line for each change.
        wait_post_processing
            Accepted, as scripts pass it: nothing is left to do once a run has ended.
        timeout_seconds
            Wait no longer.

        Raises
        ------
        RunFailedError
            If it did not complete; not with ``raise_on_error=False``.
        WaitTimeoutError
            If it has not ended in time.
        """
        del wait_post_processing
        follow(self, show_output=show_output, raise_on_error=raise_on_error, timeout=timeout_seconds)
        return self.get_details()

    def cancel(self) -> None:
        """End it, with all that its jobs have started; what has finished stays.

        Raises
        ------
        StateError
            If it has ended.
        """
        super().cancel()
        ensure_runner(self.workspace)

    def resubmit(
        self,
        *,
        pipeline_parameters: Mapping[str, Value] | None = None,
        regenerate_outputs: bool = False,
        tags: Mapping[str, object] | None = None,
    ) -> Self:
        """Run the same graph again, with the same code and environments, and the parameters that it had.

        Parameters
        ----------
        pipeline_parameters
            Values that are to be other ones.

        Raises
        ------
        InvalidParametersError
            If it does not take a parameter.
        """
        options = replace(self._details.options, regenerate=regenerate_outputs, resumed="")
        return self._again(options, pipeline_parameters or {}, tags or {})

    def resume(self, *, tags: Mapping[str, object] | None = None) -> Self:
        """Run the same graph again, but for the steps that have finished, whether they allow reuse or not.

        Raises
        ------
        StateError
            If it has not ended.
        """
        if not self.is_ended:
            raise StateError(f"Run {self.id}", self.status, "be resumed")
        return self._again(replace(self._details.options, regenerate=False, resumed=self.id), {}, tags or {})

    def publish_pipeline(
        self, name: str, description: str = "", version: str = "", continue_on_step_failure: bool | None = None
    ) -> PublishedPipeline:
        """Keep what it runs, to be called again and again; its parameters are those of a call that gives none.

        Parameters
        ----------
        version
            Any text.
        continue_on_step_failure
            Whether runs go on with steps that do not need one that failed; by default as this run does.
        """
        options = replace(self._details.options, regenerate=False, resumed="")
        if continue_on_step_failure is not None:
            options = replace(options, continue_on_failure=continue_on_step_failure)
        new = NewPublishedPipeline(
            name=name, graph=self.graph, description=description, version=version, options=options, by=author()
        )
        published: PublishedPipeline = modelyard.PublishedPipeline.create(self.workspace, new)
        return published

    @property
    def is_ended(self) -> bool:
        """Whether it has completed, failed or was canceled."""
        return self.status in ("Completed", "Failed", "Canceled")

    def explain(self, against: PipelineRun | str | None = None) -> list[Explanation]:
        """Say why each step ran, or needed not.

        Parameters
        ----------
        against
            The run to compare with; by default the one before it in its experiment.
        """
        other = PipelineRun.get(self.workspace, against) if isinstance(against, str) else against
        return explained(self, other)

    def __repr__(self) -> str:
        return f"PipelineRun({self.id!r}, {self._info.status})"

    @functools.cached_property
    def _details(self) -> Any:
        return self.backend.pipelines.get(self.id)

    def _info_of(self, name: str) -> StepInfo:
        infos = self.step_infos()
        for info in infos:
            if info.name == name:
                return info
        raise NotFoundError("step", name, [info.name for info in infos])

    def _again(self, options: Any, parameters: Mapping[str, Value], tags: Mapping[str, object]) -> Self:
        new = NewPipelineRun(
            experiment=self._info.experiment,
            graph=self.graph,
            options=replace(options, parameters=options.parameters | submission.values_of(parameters)),
            tags={key: str(value) for key, value in tags.items()},
            details=self._info.details,
        )
        return type(self).get(self.workspace, submission.start(self.workspace, new))
