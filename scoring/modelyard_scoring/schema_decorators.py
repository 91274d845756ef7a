"""Decorators that say what ``run`` takes and gives, as the package inference-schema has them.

    @input_schema("data", NumpyParameterType(np.array([[0.1, 1.2]])))
    @output_schema(NumpyParameterType(np.array([0.5])))
    def run(data): ...

The body is then a JSON object with the arguments' names. Values come to ``run`` converted to the types of the
samples; those that are of other types are refused with the status 400. The samples are the examples in
``/openapi.json`` and ``/swagger.json``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from modelyard_scoring.parameter_types import (
    AbstractParameterType,
    NumpyParameterType,
    PandasParameterType,
    StandardPythonParameterType,
)

__all__ = [
    "AbstractParameterType",
    "NumpyParameterType",
    "PandasParameterType",
    "StandardPythonParameterType",
    "input_schema",
    "output_schema",
]
MARK = "__modelyard_schema__"
_Run = Callable[..., Any]


class Input(Struct, frozen=True, kw_only=True):
    """What one decorator says of an argument."""

    type: AbstractParameterType
    convert: bool
    optional: bool

    def value(self, given: Any) -> Any:
        """Convert what a request has for the argument."""
        empty = given is None or (isinstance(given, str | list | dict) and not given)
        if not self.convert or (self.optional and empty):
            return given
        return self.type.deserialize_input(given)


class Declared(Struct, frozen=True, kw_only=True):
    """What the decorators of a function say."""

    inputs: dict[str, Input] = {}
    output: AbstractParameterType | None = None


def input_schema(
    param_name: str,
    param_type: AbstractParameterType,
    convert_to_provided_type: bool = True,
    optional: bool = False,
) -> Callable[[_Run], _Run]:
    """Say of what type an argument of ``run`` is.

    Parameters
    ----------
    param_type
        The type, which has a sample.
    convert_to_provided_type
        Whether ``run`` gets the value converted; else as JSON has it.
    optional
        Whether empty values are passed on as they are.

    Raises
    ------
    TypeError
        If `param_type` is no such type, or the function has no such argument.
    """
    _check(param_type)
    one = Input(type=param_type, convert=convert_to_provided_type, optional=optional)

    def decorate(run: _Run) -> _Run:
        signature = inspect.signature(run)
        if param_name not in signature.parameters:
            raise TypeError(f"{run.__name__}() has no argument {param_name!r}, only {', '.join(signature.parameters)}")

        def convert(args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
            bound = signature.bind(*args, **kwargs)
            if param_name in bound.arguments:
                bound.arguments[param_name] = one.value(bound.arguments[param_name])
            return bound

        known = declared(run) or Declared()
        return _wrap(run, convert, Declared(inputs={param_name: one, **known.inputs}, output=known.output))

    return decorate


def output_schema(output_type: AbstractParameterType) -> Callable[[_Run], _Run]:
    """Say of what type the answers of ``run`` are; they are not checked.

    Raises
    ------
    TypeError
        If `output_type` is no such type.
    """
    _check(output_type)

    def decorate(run: _Run) -> _Run:
        known = declared(run) or Declared()
        signature = inspect.signature(run)
        return _wrap(run, lambda a, k: signature.bind(*a, **k), Declared(inputs=known.inputs, output=output_type))

    return decorate


def declared(run: _Run) -> Declared | None:
    """Give what the decorators of a function say; None if it has none."""
    found: Declared | None = getattr(run, MARK, None)
    return found


def _wrap(run: _Run, convert: Callable[..., inspect.BoundArguments], told: Declared) -> _Run:
    if inspect.iscoroutinefunction(run):

        @functools.wraps(run)
        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            bound = convert(args, kwargs)
            return await run(*bound.args, **bound.kwargs)
    else:

        @functools.wraps(run)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            bound = convert(args, kwargs)
            return run(*bound.args, **bound.kwargs)

    setattr(wrapped, MARK, told)
    return wrapped


def _check(kind: object) -> None:
    if not isinstance(kind, AbstractParameterType):
        raise TypeError(f"a parameter type is wanted, such as NumpyParameterType(sample), not {type(kind).__name__}")
