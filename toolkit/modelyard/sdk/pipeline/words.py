"""The arguments of a step as words of a graph, in which placeholders stand for data and parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from modelyard.pipelines.checks import Problem
from modelyard.pipelines.graph import FromDataset
from modelyard.sdk.data.reference import DataPath, DataReference
from modelyard.sdk.pipeline.data import DataInput, PipelineData
from modelyard.sdk.pipeline.parameter import PipelineParameter, read_texts
from modelyard.sdk.pipeline.ports import Input, Output, as_input, name_of
from modelyard.sdk.pipeline.step import PipelineStep

_MARK = re.compile(r"\$AZUREML_DATAREFERENCE_([A-Za-z0-9_]+)")


class Written:
    """What the steps of a pipeline write."""

    def __init__(self, steps: Sequence[PipelineStep]) -> None:
        self._by_data: dict[int, list[tuple[PipelineStep, str]]] = {}
        self._by_name: dict[str, list[PipelineData]] = {}
        for step in steps:
            for name, output in step.outputs.items():
                if isinstance(output, PipelineData):
                    self._by_data.setdefault(id(output), []).append((step, name))
                    self._by_name.setdefault(output.name, []).append(output)

    def writers(self, data: PipelineData) -> list[tuple[PipelineStep, str]]:
        """List the steps that write it, with the name of the output."""
        return self._by_data.get(id(data), [])

    def named(self, name: str) -> Sequence[PipelineData]:
        """Find all data of a name."""
        return self._by_name.get(name, [])

    @property
    def names(self) -> Sequence[str]:
        """The names of all data that is written."""
        return list(self._by_name)


class Words:
    """Makes words of the arguments of one step.

    What an argument uses without its being among the inputs becomes one where there can be no doubt: a reference that
    is not to be written, and data that another step writes.
    """

    def __init__(self, step: PipelineStep, written: Written) -> None:
        self._step = step
        self._written = written
        self.inputs: dict[str, Input] = dict(step.inputs)
        self.outputs: dict[str, Output] = dict(step.outputs)
        self.parameters: list[PipelineParameter] = []
        self.problems: list[Problem] = []

    def word(self, argument: Any) -> str:
        """Make the word of an argument; where there can be none, note the problem."""
        match argument:
            case PipelineParameter():
                self.parameters.append(argument)
                return argument.placeholder
            case DataReference() | DataPath() | PipelineData() | DataInput() | FromDataset():
                return self._data(argument)
            case str():
                return self._text(argument)
            case bool() | int() | float() | PurePath():
                return str(argument)
        if hasattr(argument, "item"):  # a number of NumPy
            return str(argument.item())
        what = f"{type(argument).__name__} {argument!r:.60}"
        return self._wrong(f"has an argument that is neither a text, a number nor data: {what}. Write a text.")

    def _wrong(self, text: str) -> str:
        text = f"Step {self._step.name!r} {text}"
        self.problems.append(Problem(kind="argument", steps=(self._step.name,), text=text))
        return ""

    def _data(self, given: Any) -> str:
        output = next((name for name, one in self.outputs.items() if _is_same(one, given)), None)
        if output is not None:
            return f"${{{{outputs.{output}}}}}"
        port = as_input(given)
        name = next((name for name, one in self.inputs.items() if _is_same(one, port)), None)
        return self._add(port) if name is None else f"${{{{inputs.{name}}}}}"

    def _add(self, port: Input) -> str:
        """Make an input of what is used without being one, if that is what it must be."""
        name = name_of(port)
        if isinstance(port, DataReference):
            if port.mode == "upload":
                return self._wrong(f"writes {name!r} in its arguments: add it to the outputs too, outputs=[{name}].")
        elif isinstance(port, DataInput) and not any(
            step is not self._step for step, _ in self._written.writers(port.data)
        ):
            text = f"uses {name!r} in its arguments: add it to the inputs or to the outputs, outputs=[{name}]."
            return self._wrong(text)
        if name in self.inputs:
            return self._wrong(f"uses two things called {name!r}: give one another name, with .as_input('other').")
        self.inputs[name] = port
        return f"${{{{inputs.{name}}}}}"

    def _text(self, text: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            return self._wrong(f"has an argument that is not valid unicode: {ascii(text)[:60]}.")
        return _MARK.sub(self._mark, read_texts(text, self.parameters.append))

    def _mark(self, match: re.Match[str]) -> str:
        """Replace the text of data in an f-string; letters may follow it: the longest name that there is counts."""
        own: dict[str, list[Input | Output]] = {}
        for port in (*self.inputs.values(), *self.outputs.values()):
            own.setdefault(_mark_of(port), []).append(port)
        name = max((one for one in (*own, *self._written.names) if match[1].startswith(one)), key=len, default=None)
        if name is None:
            return self._wrong(f"uses {match[0]} in its arguments: add the data to the inputs or to the outputs.")
        found = own.get(name) or self._written.named(name)
        if len(found) > 1:
            reason = "say which, with .as_input('other'), or in an argument of its own."
            return self._wrong(f"has {name!r} in a text, and there are {len(found)} things of that name: {reason}")
        return self._data(found[0]) + match[1][len(name) :]


def _mark_of(port: Input | Output) -> str:
    return port.name if isinstance(port, PipelineData) else name_of(port)


def _is_same(one: Input | Output, other: Input | Output) -> bool:
    match one, other:
        case PipelineData(), PipelineData():
            return one is other
        case DataInput(), DataInput():
            return one.data is other.data and one.path == other.path
        case FromDataset(), FromDataset():
            return one == other
        case DataReference(), DataReference():
            same = (one.datastore.name, one.path_on_datastore) == (other.datastore.name, other.path_on_datastore)
            return same and (one.mode == "upload") == (other.mode == "upload")
    return False
