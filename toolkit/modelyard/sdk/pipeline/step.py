"""Steps of a pipeline, as users write them; nothing is read or uploaded when one is made."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from modelyard.errors import InvalidValueError
from modelyard.names import check_label
from modelyard.pipelines.errors import UnknownArgumentError
from modelyard.pipelines.graph import Retries, Reuse
from modelyard.sdk.pipeline.ports import Input, Output, read_inputs, read_outputs

LOCAL = "local"


class StepOptions(TypedDict, total=False):
    """What every step may be given, by keyword.

    Parameters
    ----------
    inputs, outputs
        What it reads (`PipelineData`, `DataReference`, `DataPath`) and writes (`PipelineData`, a reference
        ``.as_upload()``): a list, or a mapping that names them.
    compute_target
        Where it runs: a name or a compute target; by default ``local``.
    source_directory
        The folder whose files it runs in, kept when the pipeline is submitted; by default that of the pipeline.
    environment
        A specification, a lock, an `Environment` or the name of one; by default the interpreter that runs it.
    runconfig
        What has an ``environment`` and ``environment_variables``, such as a `ScriptRunConfig`, in place of them.
    environment_variables
        Set for the step: texts, parameters, or data for its local path.
    params
        Values and parameters that the step gets as variables ``AML_PARAMETER_NAME``.
    allow_reuse
        Take the outputs of an earlier run in place of a run, if all that counts is the same. False: never; a `Reuse`:
        by definition, or with an age limit.
    hash_paths
        Files and folders that count for reuse. Those below the source folder: no others of it, but for the script;
        those elsewhere: besides it.
    retries
        How often a step that failed is tried again: a number, or a `Retries`.
    timeout
        Seconds that it may run, for each try.
    cpu, memory
        What it may use, in CPUs and bytes.
    """

    inputs: Sequence[Any] | Mapping[str, Any]
    outputs: Sequence[Any] | Mapping[str, Any]
    compute_target: Any
    source_directory: str | Path | None
    environment: Any
    runconfig: Any
    environment_variables: Mapping[str, Any]
    params: Mapping[str, Any]
    allow_reuse: bool | Reuse
    hash_paths: Sequence[str | Path]
    retries: int | Retries
    timeout: float | None
    cpu: float
    memory: int


class PipelineStep:
    """A unit of a pipeline, which runs on a compute target in a process of its own."""

    kind: str = "command"
    script: str | None = None
    has_code: bool = True

    def __init__(self, name: str, words: Sequence[Any], options: StepOptions) -> None:
        self.name = check_label("a step's name", name)
        self.words = tuple(words)
        self.inputs: dict[str, Input] = read_inputs(options.get("inputs") or ())
        self.outputs: dict[str, Output] = read_outputs(options.get("outputs") or ())
        self.compute_target = _compute_name(options.get("compute_target"))
        self.source_directory = options.get("source_directory")
        self.environment, self.variables = _environment(options)
        self.reuse = _reuse(options.get("allow_reuse", True))
        self.hash_paths = tuple(str(path) for path in _listed("hash_paths", options.get("hash_paths") or ()))
        retries = options.get("retries") or 0
        self.retries = retries if isinstance(retries, Retries) else Retries(count=retries)
        self.timeout = options.get("timeout")
        self.cpu, self.memory = options.get("cpu") or 0.0, options.get("memory") or 0
        _check_numbers(timeout=self.timeout, cpu=self.cpu, memory=self.memory, retries=self.retries.count)
        self.after: list[PipelineStep] = []
        for output in self.outputs.values():
            getattr(output, "writers", []).append(self)

    def run_after(self, step: Any) -> None:
        """Wait for a step, or for all steps of a list or a sequence, though nothing flows from it."""
        self.after += [one for one in steps_of(step) if one not in self.after]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class PythonScriptStep(PipelineStep):
    """Run a Python script.

    Parameters
    ----------
    script_name
        The path of the script in the source folder.
    name
        What the step is called; by default as the script.
    arguments
        Texts, numbers, `PipelineParameter`, and data, which stands for its local path.
    options
        What every step may be given: `StepOptions`.

    Raises
    ------
    UnknownArgumentError
        If it is given what it does not take.
    InvalidValueError
        If a value cannot be.
    """

    kind = "script"

    def __init__(
        self,
        script_name: str,
        name: str | None = None,
        arguments: Sequence[Any] = (),
        **options: Unpack[StepOptions],
    ) -> None:
        check_options(type(self).__name__, options, ("script_name", "name", "arguments"))
        if not isinstance(script_name, str) or not script_name:
            raise InvalidValueError(f"script_name {script_name!r}", "give the path of a script in the source folder")
        super().__init__(name or script_name, _listed("arguments", arguments or ()), options)
        self.script = script_name


class CommandStep(PipelineStep):
    """Run any command.

    Parameters
    ----------
    name
        What the step is called.
    command
        Words as those of `PythonScriptStep`, or one text that is split as a shell would; no shell runs it.
    options
        What every step may be given: `StepOptions`. Without a source folder it runs in an empty one.

    Raises
    ------
    UnknownArgumentError
        If it is given what it does not take.
    InvalidValueError
        If a value cannot be.
    """

    def __init__(self, name: str, command: Sequence[Any] | str, **options: Unpack[StepOptions]) -> None:
        check_options(type(self).__name__, options, ("name", "command"))
        words = shlex.split(command) if isinstance(command, str) else _listed("command", command)
        super().__init__(name, words, options)
        self.has_code = self.source_directory is not None


def steps_of(given: Any) -> list[PipelineStep]:
    """List the steps in a step, a list of them, nested as deep as one likes, or what has ``steps``.

    Raises
    ------
    InvalidValueError
        If there is something else.
    """
    if isinstance(given, PipelineStep):
        return [given]
    inner = getattr(given, "steps", given)
    if not isinstance(inner, list | tuple):
        raise InvalidValueError("steps", f"give steps and lists of steps, not {type(given).__name__} {given!r:.60}")
    return [step for one in inner for step in steps_of(one)]


def check_options(what: str, options: Mapping[str, Any], own: Sequence[str]) -> None:
    """Pass if `what` takes all of these.

    Raises
    ------
    UnknownArgumentError
        If it does not.
    """
    known = (*own, *StepOptions.__annotations__)
    for name in options:
        if name not in known:
            raise UnknownArgumentError(what, name, known)


def _listed(what: str, given: Any) -> Sequence[Any]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InvalidValueError(what, f"give a list, not {type(given).__name__} {given!r:.60}")
    return given


def _compute_name(given: Any) -> str:
    """Name a compute target, given by its name, itself, or as (name, type)."""
    name = given[0] if isinstance(given, tuple) and given else getattr(given, "name", given)
    if name is not None and (not isinstance(name, str) or not name):
        raise InvalidValueError(f"compute_target {given!r:.60}", "give a name, or one of workspace.compute_targets")
    return name or LOCAL


def _environment(options: StepOptions) -> tuple[Any, dict[str, Any]]:
    """Read the environment and the variables, given beside each other or in a `runconfig`."""
    config = options.get("runconfig")
    if config is not None and not hasattr(config, "environment"):
        raise InvalidValueError("runconfig", f"give what has an environment, not {type(config).__name__}")
    environment = options.get("environment")
    inner = getattr(config, "environment", None)
    if environment is not None and inner is not None:
        raise InvalidValueError("environment", "it is given twice: beside the runconfig, and in it")
    variables = dict(getattr(config, "environment_variables", None) or {})
    variables |= options.get("environment_variables") or {}
    variables |= {f"AML_PARAMETER_{name}": value for name, value in (options.get("params") or {}).items()}
    for name in variables:
        if not isinstance(name, str) or not name or "=" in name or "\x00" in name:
            raise InvalidValueError(f"environment variable {name!r}", "a name is a text without '='")
    return environment if inner is None else inner, variables


def _check_numbers(**given: Any) -> None:
    for name, value in given.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InvalidValueError(f"{name} {value!r:.60}", "give a number")


def _reuse(given: bool | Reuse) -> Reuse:
    if isinstance(given, Reuse):
        return given
    if not isinstance(given, bool):
        raise InvalidValueError(f"allow_reuse {given!r:.60}", "give True, False, or a Reuse")
    return Reuse() if given else Reuse(by="never")
