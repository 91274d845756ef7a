"""Pipelines read from YAML files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import yaml
from msgspec import Struct, structs

from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.pipelines.errors import UnknownArgumentError
from modelyard.pipelines.graph import FromDataset, FromDatastore, FromOutput, Output, Retries, Reuse, Source, Value
from modelyard.sdk.data.datastore import Datastore
from modelyard.sdk.data.reference import DataReference
from modelyard.sdk.environment import Environment
from modelyard.sdk.pipeline.data import DataInput, PipelineData
from modelyard.sdk.pipeline.file import InlineEnvironment, PipelineEntry, StepEntry
from modelyard.sdk.pipeline.parameter import PipelineParameter
from modelyard.sdk.pipeline.step import CommandStep, PipelineStep, PythonScriptStep, StepOptions

if TYPE_CHECKING:
    from modelyard.sdk.workspace import Workspace

_PARAMETER = re.compile(r"\$\{\{\s*parameters\.([A-Za-z0-9._-]+)\s*\}\}")
_SOURCES: dict[Any, type[Struct]] = {one.__struct_config__.tag: one for one in get_args(Source)}


def read(workspace: Workspace, path: Path) -> tuple[str, list[PipelineStep]]:
    """Read the description and the steps that a file holds.

    Raises
    ------
    InvalidValueError
        If it is not what such a file is.
    UnknownArgumentError
        If there is a key in it that there is not; the text says which is meant.
    NotFoundError
        If it names a step, output or datastore that is not there.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        _check_keys(document, str(path))
        entry = msgspec.convert(document, PipelineEntry)
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InvalidValueError(str(path), " ".join(str(error).split())) from error
    reader = _Reader(workspace, path.parent, entry)
    steps = reader.steps()
    if unused := sorted(entry.parameters.keys() - reader.used):
        raise InvalidValueError(f"{path}: parameter {unused[0]!r}", f"no step uses it: ${{{{parameters.{unused[0]}}}}}")
    return entry.description, steps


class _Reader:
    """Makes steps of entries."""

    def __init__(self, workspace: Workspace, folder: Path, entry: PipelineEntry) -> None:
        self.used: set[str] = set()
        self._workspace = workspace
        self._folder = folder
        self._entry = entry
        self._datastores: dict[str, Datastore] = {}
        self._data = {
            (step.name, name): PipelineData(
                name,
                self._datastore(output.datastore) if output.datastore else None,
                is_directory=output.is_directory,
                path_on_datastore=output.path_on_datastore,
            )
            for step in entry.steps
            for name, output in step.outputs.items()
        }

    def steps(self) -> list[PipelineStep]:
        """Make the steps, each after those that it waits for."""
        steps = [self._step(entry) for entry in self._entry.steps]
        named = {step.name: step for step in steps}
        for entry, step in zip(self._entry.steps, steps, strict=True):
            for name in entry.after:
                if name not in named:
                    raise NotFoundError("step", name, list(named))
                step.run_after(named[name])
        return steps

    def _step(self, entry: StepEntry) -> PipelineStep:
        if bool(entry.script) == bool(entry.command) or (entry.command and entry.arguments):
            raise InvalidValueError(f"step {entry.name!r}", "give a script with its arguments, or a command")
        options = self._options(entry)
        step: PipelineStep
        if entry.script:
            step = PythonScriptStep(entry.script, entry.name, [self._text(one) for one in entry.arguments], **options)
        else:
            words = shlex.split(entry.command) if isinstance(entry.command, str) else entry.command
            step = CommandStep(entry.name, [self._text(one) for one in words], **options)
        step.kind = entry.kind or step.kind
        return step

    def _options(self, entry: StepEntry) -> StepOptions:
        folder = entry.source_directory or ("." if entry.script else None)
        return StepOptions(
            inputs={name: self._input(name, source) for name, source in entry.inputs.items()},
            outputs={name: self._data[entry.name, name] for name in entry.outputs},
            compute_target=entry.compute_target,
            source_directory=None if folder is None else self._folder / folder,
            environment=self._environment(entry.environment),
            environment_variables={name: self._text(value) for name, value in entry.environment_variables.items()},
            allow_reuse=entry.allow_reuse,
            hash_paths=entry.hash_paths,
            retries=entry.retries,
            timeout=entry.timeout,
            cpu=entry.cpu,
            memory=entry.memory,
        )

    def _text(self, value: Value) -> Value:
        """Put the default of each parameter into a text that names it."""
        if not isinstance(value, str):
            return value
        return _PARAMETER.sub(self._parameter, value)

    def _parameter(self, match: re.Match[str]) -> str:
        name = match[1]
        if name not in self._entry.parameters:
            raise NotFoundError("parameter", name, list(self._entry.parameters))
        self.used.add(name)
        return str(PipelineParameter(name, self._entry.parameters[name]))

    def _input(self, name: str, source: Source) -> Any:
        match source:
            case FromOutput():
                if (source.step, source.output) not in self._data:
                    known = [f"{step}.{output}" for step, output in self._data]
                    raise NotFoundError("output", f"{source.step}.{source.output}", known)
                return DataInput(data=self._data[source.step, source.output], name=name, path=source.path)
            case FromDatastore():
                store = self._datastore(source.datastore)
                return DataReference(store, name, source.path, source.mode, source.path_on_compute or None)
            case FromDataset():
                return source

    def _datastore(self, name: str) -> Datastore:
        if name not in self._datastores:
            self._datastores[name] = Datastore(self._workspace, name)
        return self._datastores[name]

    def _environment(self, given: str | InlineEnvironment | None) -> Any:
        if not isinstance(given, InlineEnvironment):
            return given
        if sum(one is not None for one in structs.astuple(given)) != 1:
            raise InvalidValueError("environment", "give a name, or one of spec, lock, conda_file, requirements_file")
        if given.conda_file is not None:
            return Environment.from_conda_specification("pipeline", self._folder / given.conda_file)
        if given.requirements_file is not None:
            return Environment.from_pip_requirements("pipeline", self._folder / given.requirements_file)
        return given.spec or given.lock


def _check_keys(document: Any, where: str) -> None:
    """Pass if every key is one that there is; what has another form is left to be told otherwise.

    Raises
    ------
    UnknownArgumentError
        If one is not.
    """
    for what, given, kind in _parts(document, where):
        known = [field.encode_name for field in structs.fields(kind)]
        for key in given:
            if key not in (*known, "from"):
                raise UnknownArgumentError(what, str(key), known)


def _parts(document: Any, where: str) -> Iterator[tuple[str, dict[Any, Any], type[Struct]]]:
    if not isinstance(document, dict):
        return
    yield where, document, PipelineEntry
    steps = document.get("steps")
    for step in steps if isinstance(steps, list) else []:
        if not isinstance(step, dict):
            continue
        name = f"{where}: step {step.get('name')!r}"
        yield name, step, StepEntry
        parts = [(_SOURCES.get(_field(one, "from")), one) for one in _values(step.get("inputs"))]
        parts += [(Output, one) for one in _values(step.get("outputs"))]
        parts += [(Reuse, step.get("allow_reuse")), (Retries, step.get("retries"))]
        yield from ((name, part, kind) for kind, part in parts if kind is not None and isinstance(part, dict))


def _values(given: Any) -> list[Any]:
    return list(given.values()) if isinstance(given, dict) else []


def _field(given: Any, name: str) -> Any:
    return given.get(name) if isinstance(given, dict) else None
