"""The run of a pipeline that a user holds, and those of its steps."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
from msgspec.structs import replace

from modelyard.errors import InvalidValueError, NotFoundError, StateError
from modelyard.paging import every
from modelyard.pipelines.explanation import Explanation
from modelyard.pipelines.graph import Graph, Value
from modelyard.pipelines.run import ENDED, PIPELINE, NewPipelineRun, StepInfo, StepOutput, StepQuery, StepState
from modelyard.sdk.pipeline import submission
from modelyard.sdk.pipeline.computes import ComputeTargets
from modelyard.sdk.pipeline.explaining import explained
from modelyard.sdk.pipeline.following import follow
from modelyard.sdk.run.run import Run
from modelyard.sdk.run.script import run_folder
from modelyard.sdk.runner import ensure_runner
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import materialise
from modelyard.tracking.run import RunInfo

if TYPE_CHECKING:
    from modelyard.sdk.experiment import Experiment
    from modelyard.sdk.pipeline.pipeline import Pipeline


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
                return _output(self.workspace, self._info_of(step.name), pipeline_output_name)
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


class StepRun(Run):
    """The run of a step; of one that was reused, the run whose outputs it has."""

    def __init__(self, pipeline_run: PipelineRun, step: StepInfo) -> None:
        super().__init__(pipeline_run.workspace, pipeline_run.backend.runs.get(step.run))
        self.pipeline_run = pipeline_run
        self.step = step

    @property
    def name(self) -> str:
        """The name of the step."""
        return self.step.name

    @property
    def state(self) -> StepState:
        """How it stands with the step."""
        return self._fresh_step().state

    @property
    def reused(self) -> bool:
        """Whether an earlier run stands in for it."""
        return self.state == "reused"

    def get_stdout_log(self) -> str:
        """Return what the step has written to its output until now; what is not UTF-8 is replaced."""
        kept = self.get_logs()
        if kept:
            return "".join(kept.values())
        place = run_folder(self.workspace, self.id)
        log = ComputeTargets(self.workspace).get(self.step.compute).log(place)
        return log.read_bytes().decode(errors="replace") if log.is_file() else ""

    def get_stderr_log(self) -> str:
        """Return the same: both are one stream, in the order in which they were written."""
        return self.get_stdout_log()

    def get_outputs(self) -> dict[str, StepOutputs]:
        """Find what the step has written, by the names of its outputs."""
        step = self._fresh_step()
        return {name: _output(self.workspace, step, name) for name in step.outputs}

    def get_output_data(self, name: str) -> StepOutputs:
        """Find what the step has written under a name.

        Raises
        ------
        NotFoundError
            If it has no such output.
        StateError
            If it is not written.
        """
        return _output(self.workspace, self._fresh_step(), name, tuple(self._declared()))

    def __repr__(self) -> str:
        return f"StepRun({self.step.name!r}, {self.step.state}, {self.id!r})"

    def _declared(self) -> Iterator[str]:
        yield from self.pipeline_run.graph.step(self.step.name).outputs

    def _fresh_step(self) -> StepInfo:
        if self.step.state not in ENDED:
            query = StepQuery(limit=1, cursor=str(self.step.position - 1) if self.step.position else None)
            self.step = self.backend.pipelines.steps(self.pipeline_run.id, query).items[0]
        return self.step


class StepOutputs:
    """What a step has written under a name.

    Attributes
    ----------
    digest
        Of the tree of files.
    """

    def __init__(self, workspace: Workspace, name: str, written: StepOutput) -> None:
        self._workspace = workspace
        self.name = name
        self.digest = written.tree
        self._path = written.path

    def get_file_names(self) -> list[str]:
        """List the files."""
        return list(self._workspace.backend.trees.get(self.digest).files)

    def download(self, local_path: str | Path = ".", overwrite: bool = False) -> Path:
        """Write it below a folder, and return the path of the file or folder.

        Raises
        ------
        StateError
            If something is there already, and `overwrite` is not set.
        DigestMismatchError
            If what is kept is damaged.
        """
        target = Path(local_path) / self.name
        if target.exists() and not overwrite:
            raise StateError(f"The folder {str(target)!r}", "there already", "be written; say overwrite=True")
        backend = self._workspace.backend
        materialise(backend.trees.get(self.digest), backend.blobs, target)
        return target / self._path if self._path else target

    def __repr__(self) -> str:
        return f"StepOutputs({self.name!r}, {self.digest[:12]})"


def _output(workspace: Workspace, step: StepInfo, name: str, known: tuple[str, ...] = ()) -> StepOutputs:
    if known and name not in known:
        raise NotFoundError("output", name, known)
    if name not in step.outputs:
        raise StateError(f"Step {step.name!r}", step.state, f"give its output {name!r}")
    return StepOutputs(workspace, name, step.outputs[name])
