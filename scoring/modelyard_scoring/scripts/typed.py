"""Arguments of ``run`` that decorators have given types, ours or those of the package inference-schema."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelyard_scoring.errors import RequestError
from modelyard_scoring.schema_decorators import Declared, declared
from modelyard_scoring.scripts.errors import ArgumentError

Schema = dict[str, Any]
Convert = Callable[[Any], Any]


class Typing:
    """What the decorators of ``run`` say.

    Attributes
    ----------
    request, answer
        JSON Schema with examples.
    explicit
        Whether the decorators want arguments that a request leaves out to be given their defaults.
    """

    def __init__(
        self, converters: Mapping[str, Convert], request: Schema, answer: Schema | None, *, explicit: bool
    ) -> None:
        self._converters = converters
        self.explicit = explicit
        self.request = request
        self.answer = answer

    def convert(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Convert the values of a request.

        Raises
        ------
        ArgumentError
            If one is of another type.
        """
        return {name: self._one(name, value) for name, value in values.items()}

    def _one(self, name: str, value: Any) -> Any:
        convert = self._converters.get(name)
        if convert is None:
            return value
        try:
            return convert(value)
        except RequestError:
            raise
        except Exception as error:  # noqa: BLE001 - NumPy, pandas and others' types raise what they like
            raise ArgumentError(name, str(error) or type(error).__name__) from None


def find_typing(run: Callable[..., Any]) -> Typing | None:
    """Find what decorators say of a function; None if it has none."""
    own = declared(run)
    if own is not None:
        return _own(run, own)
    package = sys.modules.get("inference_schema.schema_util")
    if package is None or not package.is_schema_decorated(run):
        return None
    answer = package.get_output_schema(run)
    told = answer if len(answer) > 1 else None
    return Typing(dict(_converters(run)), package.get_input_schema(run), told, explicit=True)


def _own(run: Callable[..., Any], told: Declared) -> Typing:
    properties: Schema = {}
    example = {}
    for name, one in told.inputs.items():
        schema = one.type.input_to_swagger()
        example[name] = schema.pop("example", None)
        properties[name] = schema
    parameters = inspect.signature(run).parameters
    required = [name for name in properties if parameters[name].default is inspect.Parameter.empty]
    request = {"type": "object", "required": required, "properties": properties, "example": example}
    if not required:
        del request["required"]
    answer = None if told.output is None else told.output.input_to_swagger()
    return Typing({name: one.value for name, one in told.inputs.items()}, request, answer, explicit=False)


def _converters(run: Any) -> Iterator[tuple[str, Convert]]:
    """Find the types in the decorators of inference-schema, which keep them where they are used.

    The values are converted before ``run`` is called, so that one that is of another type is known to be the
    client's mistake; the decorators leave alone what is converted already.
    """
    from inference_schema import schema_decorators  # type: ignore[import-not-found] # the script's own package

    while hasattr(run, "__wrapped__"):
        said = inspect.getclosurevars(run._self_wrapper).nonlocals  # noqa: SLF001 - wrapt's name for the decorator
        if said.get("convert_to_provided_type"):
            yield said["param_name"], _converter(schema_decorators, said)
        run = run.__wrapped__


def _converter(package: Any, said: Mapping[str, Any]) -> Convert:
    deserialize = package._deserialize_input_argument  # noqa: SLF001 - what the decorator calls

    def convert(value: Any) -> Any:
        if not said["optional"]:
            return deserialize(value, said["param_type"], said["param_name"])
        if value:  # the decorator asks this of what it is given, which a data frame cannot tell
            deserialize(copy.deepcopy(value), said["param_type"], said["param_name"])
        return value

    return convert
