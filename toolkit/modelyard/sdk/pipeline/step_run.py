"""The run of a step of a pipeline that a user holds, and what the step has written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.errors import NotFoundError, StateError
from modelyard.pipelines.run import ENDED, StepInfo, StepOutput, StepQuery, StepState
from modelyard.sdk.pipeline.computes import ComputeTargets
from modelyard.sdk.run.run import Run
from modelyard.sdk.run.script import run_folder
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import materialise

if TYPE_CHECKING:
    from modelyard.sdk.pipeline.run import PipelineRun


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
        return {name: output_of(self.workspace, step, name) for name in step.outputs}

    def get_output_data(self, name: str) -> StepOutputs:
        """Find what the step has written under a name.

        Raises
        ------
        NotFoundError
            If it has no such output.
        StateError
            If it is not written.
        """
        return output_of(self.workspace, self._fresh_step(), name, tuple(self._declared()))

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


def output_of(workspace: Workspace, step: StepInfo, name: str, known: tuple[str, ...] = ()) -> StepOutputs:
    """Give what a step has written under a name.

    Raises
    ------
    NotFoundError
        If it is none of the names that are `known`.
    StateError
        If it is not written.
    """
    if known and name not in known:
        raise NotFoundError("output", name, known)
    if name not in step.outputs:
        raise StateError(f"Step {step.name!r}", step.state, f"give its output {name!r}")
    return StepOutputs(workspace, name, step.outputs[name])
