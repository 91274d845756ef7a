"""A pipeline is submitted: checked, sealed, recorded, and left to the runner."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from modelyard.pipelines.graph import Graph, Value
from modelyard.pipelines.operations import checked_parameters
from modelyard.pipelines.run import NewPipelineRun, Options
from modelyard.sdk.pipeline.compilation import compiled
from modelyard.sdk.pipeline.parameter import check_value
from modelyard.sdk.pipeline.sealing import seal
from modelyard.sdk.runner import ensure_runner
from modelyard.sdk.workspace import Workspace
from modelyard.tracking.git import git_facts

if TYPE_CHECKING:
    from modelyard.sdk.pipeline.pipeline import Pipeline


def submitted(pipeline: Pipeline, experiment: str, options: Options, tags: Mapping[str, object]) -> NewPipelineRun:
    """Keep what a pipeline needs, and say what is to be run.

    Raises
    ------
    InvalidPipelineError
        If it cannot run as it is; nothing is kept then.
    InvalidParametersError
        If it does not take a parameter; nothing is kept then.
    """
    graph = compiled(pipeline)
    checked_parameters(graph, options.parameters)
    return NewPipelineRun(
        experiment=experiment,
        graph=seal(graph, pipeline),
        options=options,
        tags={key: str(value) for key, value in tags.items()},
        details=_details(pipeline, graph),
    )


def start(workspace: Workspace, new: NewPipelineRun) -> str:
    """Have a pipeline run, and return the id of the run at once: whoever waits for its end sees to a runner, too."""
    run = workspace.backend.pipelines.submit(new).run.id
    ensure_runner(workspace, wait=False)
    return run


def options_of(
    workspace: Workspace,
    *,
    pipeline_parameters: Mapping[str, Value] | None,
    regenerate_outputs: bool,
    continue_on_step_failure: bool,
    resumed: str = "",
) -> Options:
    """Put together how a pipeline is to be run, with the interpreter of this process for steps without another."""
    return Options(
        parameters=values_of(pipeline_parameters or {}),
        regenerate=regenerate_outputs,
        continue_on_failure=continue_on_step_failure,
        resumed=resumed,
        python=sys.executable,
        installed=workspace.running_environment,
    )


def values_of(parameters: Mapping[str, object]) -> dict[str, Value]:
    """Give parameters as plain values.

    Raises
    ------
    InvalidValueError
        If one is none that can be written, such as a number that is none.
    """
    return {name: check_value(f"parameter {name!r}", value) for name, value in parameters.items()}


def _details(pipeline: Pipeline, graph: Graph) -> dict[str, Any]:
    folders = {pipeline.folder_of(step) for step in pipeline.steps} - {None}
    facts = [facts for folder in sorted(map(str, folders)) if (facts := git_facts(Path(folder))) is not None]
    git = {"git": to_builtins(facts[0])} if facts else {}
    return {"steps": len(graph.steps), "source_directories": sorted(map(str, folders)), **git}
