"""The pipeline that a user holds: steps, and what flows between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import modelyard
from modelyard.errors import InvalidValueError
from modelyard.pipelines.checks import Problem
from modelyard.pipelines.drawing import svg
from modelyard.pipelines.explanation import Explanation
from modelyard.pipelines.graph import Value
from modelyard.pipelines.published import NewPublishedPipeline
from modelyard.sdk.author import author
from modelyard.sdk.pipeline.compilation import compiled, drafted
from modelyard.sdk.pipeline.data import DataInput, PipelineData
from modelyard.sdk.pipeline.file import write
from modelyard.sdk.pipeline.planning import plan
from modelyard.sdk.pipeline.reading import read
from modelyard.sdk.pipeline.sealing import seal
from modelyard.sdk.pipeline.step import PipelineStep, steps_of
from modelyard.sdk.pipeline.submission import options_of, submitted

if TYPE_CHECKING:
    from modelyard.sdk.experiment import Experiment
    from modelyard.sdk.pipeline.published import PublishedPipeline
    from modelyard.sdk.pipeline.run import PipelineRun
    from modelyard.sdk.workspace import Workspace


class Pipeline:
    """Steps that run as soon as what they wait for has: those that write what they read, and those of `run_after`.

    Nothing is uploaded before it is submitted.

    Parameters
    ----------
    steps
        Steps, lists of steps, nested as deep as one likes, and sequences. Steps that they wait for belong to the
        pipeline too, without being named.
    default_source_directory
        The source folder of steps that have none; by default the current one.

    Raises
    ------
    InvalidValueError
        If `steps` holds something else.
    """

    def __init__(
        self,
        workspace: Workspace,
        steps: Sequence[Any],
        description: str | None = None,
        *,
        default_source_directory: str | Path | None = None,
    ) -> None:
        if not hasattr(workspace, "backend"):
            raise InvalidValueError("workspace", f"give a Workspace, not {type(workspace).__name__}")
        self.workspace = workspace
        self.given = steps_of(steps)
        self.description = description or ""
        self.default_source_directory = default_source_directory

    @classmethod
    def from_yaml(cls, workspace: Workspace, path: str | Path) -> Self:
        """Read a pipeline that `to_yaml` or a person wrote; folders in it are seen from where the file is.

        Raises
        ------
        InvalidValueError
            If the file does not hold a pipeline; the text says where and why.
        UnknownArgumentError
            If there is a key in it that there is not; the text says which is meant.
        NotFoundError
            If it names a step, output, parameter or datastore that is not there.
        """
        description, steps = read(workspace, Path(path))
        return cls(workspace, steps, description, default_source_directory=Path(path).parent)

    def to_yaml(self, path: str | Path) -> None:
        """Write it to a file, whose pipeline is the same.

        Raises
        ------
        InvalidPipelineError
            If it cannot run as it is.
        """
        write(self, Path(path))

    @property
    def steps(self) -> list[PipelineStep]:
        """All its steps: first those that it was not given and that others wait for."""
        found = dict.fromkeys(self.given)
        written = {id(output) for step in found for output in step.outputs.values()}
        waiting = list(found)
        while waiting:
            for step in _before(waiting.pop(), written):
                if step not in found:
                    found = {step: None, **found}
                    written |= {id(output) for output in step.outputs.values()}
                    waiting.append(step)
        return list(found)

    def validate(self) -> list[Problem]:
        """List all that keeps it from being run; an empty list if nothing does. Nothing is uploaded for that."""
        return drafted(self)[1]

    def _repr_svg_(self) -> str:
        return svg(drafted(self)[0])

    def folder_of(self, step: PipelineStep) -> Path | None:
        """Say which folder's files a step runs in; None for none."""
        return Path(step.source_directory or self.default_source_directory or ".") if step.has_code else None

    def submit(
        self,
        experiment: Experiment,
        *,
        tags: Mapping[str, object] | None = None,
        pipeline_parameters: Mapping[str, Value] | None = None,
        regenerate_outputs: bool = False,
        continue_on_step_failure: bool = False,
    ) -> PipelineRun:
        """Have it run in an experiment, as ``experiment.submit(pipeline)`` does; return its run at once.

        Parameters
        ----------
        pipeline_parameters
            Values by the names of parameters; the others have their defaults.
        regenerate_outputs
            Run every step, whatever there is of earlier runs.
        continue_on_step_failure
            When a step fails, go on with those that do not need it.

        Raises
        ------
        InvalidPipelineError
            If it cannot run as it is; the text names all that is wrong.
        InvalidParametersError
            If it does not take a parameter.
        """
        run: PipelineRun = modelyard.PipelineRun.submit(
            self,
            experiment,
            tags=tags,
            pipeline_parameters=pipeline_parameters,
            regenerate_outputs=regenerate_outputs,
            continue_on_step_failure=continue_on_step_failure,
        )
        return run

    def publish(
        self,
        name: str,
        description: str | None = None,
        version: str | None = None,
        continue_on_step_failure: bool | None = None,
    ) -> PublishedPipeline:
        """Keep it with its code and environments as they are now, to be called again and again.

        Parameters
        ----------
        name
            What people call it; others may have the same.
        version
            Any text.
        continue_on_step_failure
            When a step fails, runs go on with those that do not need it.

        Raises
        ------
        InvalidPipelineError
            If it cannot run as it is; the text names all that is wrong.
        """
        options = options_of(
            self.workspace,
            pipeline_parameters=None,
            regenerate_outputs=False,
            continue_on_step_failure=bool(continue_on_step_failure),
        )
        new = NewPublishedPipeline(
            name=name,
            graph=seal(compiled(self), self),
            description=self.description if description is None else description,
            version=version or "",
            options=options,
            by=author(),
        )
        published: PublishedPipeline = modelyard.PublishedPipeline.create(self.workspace, new)
        return published

    def plan(
        self,
        experiment: str,
        *,
        pipeline_parameters: Mapping[str, Value] | None = None,
        regenerate_outputs: bool = False,
    ) -> list[Explanation]:
        """Say for each step whether it would run if the pipeline were submitted now, and why; nothing is started.

        Code and environments are kept in the workspace meanwhile, until its garbage is collected.

        Parameters
        ----------
        experiment
            The name of the one with whose last run steps are compared; it need not exist.

        Raises
        ------
        InvalidPipelineError
            If it cannot run as it is; the text names all that is wrong.
        InvalidParametersError
            If it does not take a parameter.
        NotFoundError
            If what a step reads is not in its datastore, or there is no compute target of a name.
        """
        options = options_of(
            self.workspace,
            pipeline_parameters=pipeline_parameters,
            regenerate_outputs=regenerate_outputs,
            continue_on_step_failure=False,
        )
        return plan(self.workspace, experiment, submitted(self, experiment, options, {}).graph, options)

    def __repr__(self) -> str:
        return f"Pipeline({self.steps!r})"


def _before(step: PipelineStep, written: set[int]) -> list[PipelineStep]:
    """List the steps that a step waits for and that are not known yet."""
    used = [port.data for port in step.inputs.values() if isinstance(port, DataInput)]
    for argument in (*step.words, *step.variables.values()):
        used += [argument] if isinstance(argument, PipelineData) else []
        used += [argument.data] if isinstance(argument, DataInput) else []
    writers = [data.writers[-1] for data in used if data.writers and id(data) not in written]
    return [*writers, *step.after]
