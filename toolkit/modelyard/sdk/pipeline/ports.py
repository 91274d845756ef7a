"""What a step reads and writes, by names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelyard.errors import InvalidValueError
from modelyard.pipelines.graph import FromDataset
from modelyard.sdk.data.dataset import Dataset
from modelyard.sdk.data.dataset_input import DatasetInput
from modelyard.sdk.data.reference import DataPath, DataReference
from modelyard.sdk.pipeline.data import DataInput, PipelineData

Input = DataInput | DataReference | FromDataset
Output = PipelineData | DataReference


def read_inputs(given: Iterable[Any] | Mapping[str, Any]) -> dict[str, Input]:
    """Name what a step reads.

    Raises
    ------
    InvalidValueError
        If something is no data, or two have one name.
    """
    return _named("input", [(name or _own_name(one), as_input(one)) for name, one in _items(given)])


def read_outputs(given: Iterable[Any] | Mapping[str, Any]) -> dict[str, Output]:
    """Name what a step writes.

    Raises
    ------
    InvalidValueError
        If something is no data, or two have one name.
    """
    return _named("output", [(name, as_output(one)) for name, one in _items(given)])


def added(given: Sequence[Any] | Mapping[str, Any] | None, *ports: Any) -> list[Any] | dict[str, Any]:
    """Add what a step reads or writes by itself to what it was given."""
    if isinstance(given, Mapping):
        return {**given, **{name_of(port): port for port in ports}}
    return [*(given or ()), *ports]


def as_input(given: Any) -> Input:
    """Read what a step reads.

    Raises
    ------
    InvalidValueError
        If it is no data.
    """
    match given:
        case DataInput() | DataReference() | FromDataset():
            return given
        case PipelineData():
            return given.as_input(given.name)
        case DataPath():
            return given.as_mount()
        case Dataset():
            return FromDataset(dataset=given.name, version=given.version)
        case DatasetInput():
            return FromDataset(dataset=given.dataset.name, version=given.dataset.version)
    raise InvalidValueError("inputs", f"give PipelineData, DataReference, DataPath or a Dataset, not {_said(given)}")


def as_output(given: Any) -> Output:
    """Read what a step writes.

    Raises
    ------
    InvalidValueError
        If it is no data that can be written.
    """
    match given:
        case PipelineData():
            return given
        case DataReference(mode="upload"):
            return given
        case DataReference() | DataPath():
            raise InvalidValueError("outputs", f"a reference that a step writes is one .as_upload(): {given!s:.100}")
    raise InvalidValueError("outputs", f"give PipelineData or a DataReference, not {_said(given)}")


def name_of(port: Input | Output) -> str:
    """Say what an input or output is called if it is not named otherwise."""
    match port:
        case PipelineData():
            return port.output_name
        case DataInput():
            return port.name
        case DataReference():
            return str(port.data_reference_name)
        case FromDataset():
            return re.sub(r"\W", "_", port.dataset, flags=re.ASCII)


def _own_name(given: Any) -> str | None:
    return given.name if isinstance(given, DatasetInput) else None


def _items(given: Iterable[Any] | Mapping[str, Any]) -> list[tuple[str | None, Any]]:
    if isinstance(given, Mapping):
        return list(given.items())
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidValueError("inputs and outputs", f"give a list, not {_said(given)}")
    return [(None, one) for one in given]


def _named(kind: str, given: list[tuple[str | None, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for wanted, port in given:
        name = wanted or name_of(port)
        if name in found:
            rename = "with data.as_input('other'), or with another data_reference_name" if kind == "input" else "it"
            raise InvalidValueError(f"{kind} {name!r}", f"there are two of that name; rename one {rename}")
        found[name] = port
    return found


def _said(given: Any) -> str:
    return f"{type(given).__name__} {given!r:.60}"
