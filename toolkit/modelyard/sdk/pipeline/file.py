"""Pipelines as YAML files; docs/reference/pipelines.md has what may stand in one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml
from msgspec import Struct

from modelyard.environments.lock import Lock
from modelyard.environments.specification import EnvironmentSpec
from modelyard.errors import InvalidValueError
from modelyard.pipelines.graph import Output, Retries, Reuse, Source, Step, Value
from modelyard.sdk.environment import Environment
from modelyard.sdk.pipeline.compilation import compiled
from modelyard.sdk.pipeline.step import PipelineStep

if TYPE_CHECKING:
    from modelyard.sdk.pipeline.pipeline import Pipeline

_USUAL = ("script", "command")


class InlineEnvironment(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An environment that no name stands for: a specification, a lock, or a file beside the pipeline's."""

    spec: EnvironmentSpec | None = None
    lock: Lock | None = None
    conda_file: str | None = None
    requirements_file: str | None = None


class StepEntry(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A step in a file: what `Step` has, with folders, files and environments in place of digests."""

    name: str
    kind: str = ""
    script: str | None = None
    arguments: list[Value] = []
    command: list[Value] | str = []
    source_directory: str | None = None
    environment: str | InlineEnvironment | None = None
    environment_variables: dict[str, Value] = {}
    inputs: dict[str, Source] = {}
    outputs: dict[str, Output] = {}
    after: list[str] = []
    compute_target: str = "local"
    cpu: float = 0.0
    memory: int = 0
    allow_reuse: bool | Reuse = True
    hash_paths: list[str] = []
    retries: int | Retries = 0
    timeout: float | None = None


class PipelineEntry(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a file holds; `parameters` are names with their defaults."""

    description: str = ""
    parameters: dict[str, Value] = {}
    steps: list[StepEntry]


def write(pipeline: Pipeline, path: Path) -> None:
    """Write a pipeline to a file, with paths as they are seen from there.

    Raises
    ------
    InvalidPipelineError
        If it cannot run as it is.
    """
    graph = compiled(pipeline)
    given = {step.name: step for step in pipeline.steps}
    parameters = {name: parameter.default for name, parameter in graph.parameters.items()}
    steps = [
        _entry(step, given[step.name], _seen_from(path, pipeline.folder_of(given[step.name]))) for step in graph.steps
    ]
    entry = PipelineEntry(description=graph.description, parameters=parameters, steps=steps)
    document = msgspec.to_builtins(entry)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    if yaml.safe_load(text) != document:  # PyYAML takes some letters, such as U+0085, for ends of lines, and folds them
        text = yaml.safe_dump(document, sort_keys=False, width=100)
    path.write_text(text, encoding="utf-8")


def _entry(step: Step, given: PipelineStep, folder: str | None) -> StepEntry:
    retries, reuse = step.retries, step.reuse
    return StepEntry(
        name=step.name,
        kind="" if step.kind in _USUAL else step.kind,
        script=step.script,
        arguments=list(step.command) if step.script else [],
        command=[] if step.script else list(step.command),
        source_directory=folder,
        environment=_environment_entry(given.environment),
        environment_variables=dict(step.variables),
        inputs=step.inputs,
        outputs=step.outputs,
        after=list(step.after),
        compute_target=step.compute,
        cpu=step.cpu,
        memory=step.memory,
        allow_reuse=reuse.by != "never" if reuse in (Reuse(), Reuse(by="never")) else reuse,
        hash_paths=list(given.hash_paths),
        retries=retries.count if retries == Retries(count=retries.count) else retries,
        timeout=step.timeout,
    )


def _environment_entry(given: Any) -> str | InlineEnvironment | None:
    match given:
        case Environment(version=None):
            return InlineEnvironment(spec=given.spec)
        case Environment():
            return given.id
        case EnvironmentSpec():
            return InlineEnvironment(spec=given)
        case Lock():
            return InlineEnvironment(lock=given)
        case None | str():
            return given
    raise InvalidValueError(f"environment {given!r:.60}", "give a specification, a lock, an Environment or its name")


def _seen_from(path: Path, folder: Path | None) -> str | None:
    return None if folder is None else Path(os.path.relpath(folder, path.parent)).as_posix()
