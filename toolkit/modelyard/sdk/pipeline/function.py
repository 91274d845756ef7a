"""Python functions as steps: what they are given and give back is told by their annotations."""

from __future__ import annotations

import inspect
import os
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Unpack, get_type_hints

from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.sdk.data.reference import DataPath, DataReference
from modelyard.sdk.pipeline.data import DataInput, PipelineData
from modelyard.sdk.pipeline.parameter import PipelineParameter, check_value
from modelyard.sdk.pipeline.step import PipelineStep, StepOptions, check_options

RESULT = "result"
"""What the output is called in which a function's answer is."""

_VALUES = (str, int, float, bool)


class OutputFile(Path):
    """The annotation of a path at which a function of a step writes a file."""


class OutputFolder(Path):
    """The annotation of a folder, which is there, in which a function of a step writes files."""


class Result(PipelineData):
    """What a function of a step gives back: a value of a type, kept as JSON."""

    def __init__(self, name: str, kind: Any) -> None:
        super().__init__(name, output_name=RESULT, is_directory=False)
        self.kind = kind


class FunctionStep(PipelineStep):
    """Call a Python function.

    Made by calling a function that `step` decorates.

    Parameters
    ----------
    function
        A function at the top level of a file.
    arguments
        What it is given, by the names of its parameters: data for those that are a ``Path``; texts, numbers and
        parameters of the pipeline for those that are ``str``, ``int``, ``float`` or ``bool``; and for any, what
        another function gives back, if it is of that type.
    name
        What the step is called; by default as the function.
    options
        What every step may be given: `StepOptions`. The source folder is by default that of the file.

    Raises
    ------
    InvalidValueError
        If the function or an argument cannot be.
    NotFoundError
        If it has no parameter of a name.
    """

    kind = "function"

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        name: str | None = None,
        **options: Unpack[StepOptions],
    ) -> None:
        check_options(type(self).__name__, options, ("function", "arguments", "name"))
        file = _file_of(function)
        folder = Path(options.get("source_directory") or _above_packages(file.parent)).absolute()
        call = _Call(function, arguments)
        options["source_directory"] = folder
        options["inputs"], options["outputs"] = call.inputs, call.outputs
        if options.get("hash_paths"):
            options["hash_paths"] = [*options["hash_paths"], file]
        words = ["python", "-m", "modelyard.sdk.pipeline.calling", _module(file, folder), function.__name__]
        super().__init__(name or function.__name__, [*words, *call.words], options)

    @property
    def result(self) -> Result:
        """What the function gives back, for another function.

        Raises
        ------
        InvalidValueError
            If its annotation does not say that it gives anything back.
        """
        found = self.outputs.get(RESULT)
        if not isinstance(found, Result):
            raise InvalidValueError(
                f"step {self.name!r}", "its function says of no type that it gives back: def f() -> int"
            )
        return found


class StepFunction:
    """A function that makes a step when it is called; `function` is the function itself."""

    def __init__(self, function: Callable[..., Any], name: str | None, options: StepOptions) -> None:
        self.function = function
        self._name = name
        self._options = options
        self.__doc__ = function.__doc__

    def __call__(self, **arguments: Any) -> FunctionStep:
        """Make a step that calls it with these arguments, by name."""
        return FunctionStep(self.function, arguments, self._name, **self._options)

    def options(self, name: str | None = None, **options: Unpack[StepOptions]) -> StepFunction:
        """Return one whose steps have another name and other options."""
        return StepFunction(self.function, name or self._name, {**self._options, **options})


def step(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, **options: Unpack[StepOptions]
) -> Any:
    """Make a step of a function: ``@step``, or with options ``@step(compute_target="gpu")``.

    Called, the function does not run: it gives a `FunctionStep`.

    Parameters
    ----------
    name
        What the step is called; by default as the function.
    options
        What every step may be given: `StepOptions`.
    """
    check_options("step", options, ("name",))
    if function is None:
        return lambda given: StepFunction(given, name, options)
    return StepFunction(function, name, options)


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Read the annotations of a function."""
    return get_type_hints(function)


class _Call:
    """The words of a call, and what flows by them."""

    def __init__(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
        self.words: list[Any] = []
        self.inputs: dict[str, Any] = {}
        self.outputs: dict[str, PipelineData] = {}
        self._hints = hints_of(function)
        parameters = inspect.signature(function).parameters
        for name in arguments:
            if name not in parameters:
                raise NotFoundError(f"parameter of {function.__name__}", name, list(parameters))
        for name, parameter in parameters.items():
            if name in arguments or self._hints.get(name) in (OutputFile, OutputFolder):
                self._add(name, arguments.get(name))
            elif parameter.default is inspect.Parameter.empty:
                raise InvalidValueError(f"{function.__name__}()", f"give its parameter {name!r}")
        if (kind := self._hints.get("return", types.NoneType)) is not types.NoneType:
            self.outputs[RESULT] = Result(f"{function.__name__}_{RESULT}", kind)
            self.words += ["result", RESULT, self.outputs[RESULT]]

    def _add(self, name: str, given: Any) -> None:
        hint = self._hints.get(name)
        if hint in (OutputFile, OutputFolder):
            self._write(name, given, is_directory=hint is OutputFolder)
        elif isinstance(given, Result):
            self._check_type(name, hint, given.kind)
            self.inputs[name] = given
            self.words += ["read", name, given]
        elif hint is Path:
            if not isinstance(given, PipelineData | DataInput | DataReference | DataPath):
                raise InvalidValueError(f"argument {name!r}", f"it is a Path: give data, not {given!r:.60}")
            self.inputs[name] = given
            self.words += ["path", name, given]
        else:
            self._value(name, hint, given)

    def _write(self, name: str, given: Any, *, is_directory: bool) -> None:
        data = PipelineData(name, is_directory=is_directory) if given is None else given
        if not isinstance(data, PipelineData):
            raise InvalidValueError(f"argument {name!r}", f"the step writes it: give PipelineData, not {given!r:.60}")
        self.outputs[name] = data
        self.words += ["path", name, data]

    def _value(self, name: str, hint: Any, given: Any) -> None:
        if hint not in _VALUES:
            reason = (
                "annotate it as str, int, float, bool, Path, OutputFile or OutputFolder, or give what a step gives back"
            )
            raise InvalidValueError(f"parameter {name!r}", reason)
        value = (
            given.default_value if isinstance(given, PipelineParameter) else check_value(f"argument {name!r}", given)
        )
        self._check_type(name, hint, type(value))
        self.words += ["value", name, given]

    @staticmethod
    def _check_type(name: str, wanted: Any, given: Any) -> None:
        if wanted != given and (wanted, given) != (float, int) and wanted is not Any:
            raise InvalidValueError(f"argument {name!r}", f"it is to be {_named(wanted)}, and is {_named(given)}")


def _named(kind: Any) -> str:
    return getattr(kind, "__name__", None) or str(kind)


def _file_of(function: Callable[..., Any]) -> Path:
    try:
        file = Path(inspect.getsourcefile(function) or "")
    except TypeError:
        file = Path()
    if not file.is_file() or file.suffix != ".py" or "." in function.__qualname__:
        reason = "a step is called in a process of its own: write the function at the top level of a .py file"
        raise InvalidValueError(f"function {getattr(function, '__qualname__', function)!r}", reason)
    return file.absolute()


def _above_packages(folder: Path) -> Path:
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _module(file: Path, folder: Path) -> str:
    path = Path(os.path.relpath(file, folder)).with_suffix("")
    if not all(part.isidentifier() for part in path.parts):
        raise InvalidValueError(f"file {str(file)!r}", f"it cannot be imported from the source folder {str(folder)!r}")
    return ".".join(path.parts)
