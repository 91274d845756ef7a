"""From steps as users write them to the graph of a pipeline; nothing is read but the names of the source files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.errors import ModelyardError
from modelyard.pipelines.checks import Problem, problems_of
from modelyard.pipelines.errors import InvalidPipelineError
from modelyard.pipelines.graph import FromDataset, FromDatastore, FromOutput, Graph, Parameter, Source, Step
from modelyard.pipelines.graph import Output as Promise
from modelyard.sdk.pipeline.counted import check_hash_paths
from modelyard.sdk.pipeline.data import DataInput, PipelineData
from modelyard.sdk.pipeline.parameter import PipelineParameter
from modelyard.sdk.pipeline.ports import Input, Output
from modelyard.sdk.pipeline.step import PipelineStep
from modelyard.sdk.pipeline.words import Words, Written
from modelyard.tracking.snapshot import check_script, snapshot_files

if TYPE_CHECKING:
    from modelyard.sdk.pipeline.pipeline import Pipeline


def compiled(pipeline: Pipeline) -> Graph:
    """Make the graph of a pipeline; code, environments and content are not in it before it is sealed.

    Raises
    ------
    InvalidPipelineError
        If it cannot run as it is; the text names all that is wrong.
    """
    graph, problems = drafted(pipeline)
    if problems:
        raise InvalidPipelineError([one.text for one in problems])
    return graph


def drafted(pipeline: Pipeline) -> tuple[Graph, list[Problem]]:
    """Make the graph of a pipeline, and list all that is wrong with it."""
    steps = pipeline.steps
    written = Written(steps)
    drafts = [_Draft(step, written) for step in steps]
    parameters = [one for draft in drafts for one in draft.words.parameters]
    graph = Graph(
        steps=tuple(draft.step for draft in drafts),
        parameters={one.name: Parameter(default=one.default_value) for one in parameters},
        description=pipeline.description,
    )
    problems = [problem for draft in drafts for problem in draft.words.problems]
    problems += [*_disagreeing(parameters), *_written_twice(steps, written), *_scripts(pipeline)]
    return graph, [*problems, *problems_of(graph)]


class _Draft:
    """A step of a graph in the making."""

    def __init__(self, given: PipelineStep, written: Written) -> None:
        self.words = words = Words(given, written)
        command = tuple(words.word(argument) for argument in given.words)
        variables = {name: words.word(value) for name, value in given.variables.items()}
        self.step = Step(
            name=given.name,
            kind=given.kind,
            script=given.script,
            command=command,
            variables=variables,
            inputs={name: _source(port, written) for name, port in words.inputs.items()},
            outputs={name: _promise(port) for name, port in words.outputs.items()},
            after=tuple(dict.fromkeys(one.name for one in given.after)),
            compute=given.compute_target,
            cpu=given.cpu,
            memory=given.memory,
            reuse=given.reuse,
            retries=given.retries,
            timeout=given.timeout,
        )


def _source(port: Input, written: Written) -> Source:
    if isinstance(port, DataInput):
        writer, name = next(((step.name, name) for step, name in written.writers(port.data)), ("", port.data.name))
        return FromOutput(step=writer, output=name, path=port.path)
    if isinstance(port, FromDataset):
        return port
    return FromDatastore(
        datastore=port.datastore.name,
        path=port.path_on_datastore or "",
        mode=port.mode,
        path_on_compute=port.path_on_compute or "",
    )


def _promise(port: Output) -> Promise:
    if isinstance(port, PipelineData):
        datastore = "" if port.datastore is None else port.datastore.name
        return Promise(is_directory=port.is_directory, datastore=datastore, path_on_datastore=port.path_on_datastore)
    return Promise(datastore=port.datastore.name, path_on_datastore=port.path_on_datastore or "")


def _disagreeing(parameters: Sequence[PipelineParameter]) -> Iterator[Problem]:
    first: dict[str, PipelineParameter] = {}
    for one in parameters:
        other = first.setdefault(one.name, one).default_value
        if (type(one.default_value), one.default_value) != (type(other), other):
            text = f"Two parameters are called {one.name!r}, with the defaults {other!r} and {one.default_value!r}."
            yield Problem(kind="parameter", text=text)


def _written_twice(steps: Sequence[PipelineStep], written: Written) -> Iterator[Problem]:
    data = {id(one): one for step in steps for one in step.outputs.values() if isinstance(one, PipelineData)}
    for one in data.values():
        names = [step.name for step, _ in written.writers(one)]
        if len(names) > 1:
            text = f"{one!r} is written by {len(names)} steps: {', '.join(names)}. Give each a PipelineData of its own."
            yield Problem(kind="two-writers", steps=tuple(names), text=text)


def _scripts(pipeline: Pipeline) -> Iterator[Problem]:
    """Look for scripts and what counts; each source folder is listed once."""
    found: dict[Path, Mapping[str, int]] = {}
    for step in pipeline.steps:
        folder = pipeline.folder_of(step)
        try:
            check_hash_paths(step.hash_paths, folder)
            if folder is not None and step.script is not None:
                if folder not in found:
                    found[folder] = snapshot_files(folder)
                check_script(step.script, folder, found[folder])
        except ModelyardError as error:
            yield Problem(kind="script", steps=(step.name,), text=f"Step {step.name!r}: {error}")
