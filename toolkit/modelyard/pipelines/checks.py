"""What keeps a graph from being run, found before anything runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from msgspec import Struct

from modelyard.errors import nearest
from modelyard.pipelines.graph import FromOutput, Graph, Output, Step

Kind = Literal[
    "argument",
    "compute",
    "cycle",
    "duplicate",
    "empty",
    "name",
    "nobody-writes",
    "parameter",
    "placeholder",
    "script",
    "two-writers",
    "unconnected",
    "value",
]

_PLACEHOLDER = re.compile(r"\$\{\{\s*(inputs|outputs|parameters)\.([^}\s]+)\s*\}\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
"""What inputs and outputs may be called: as variables of an environment may be."""


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that keeps a pipeline from being run, with the steps that it is about; its text is `text`."""

    kind: Kind
    steps: tuple[str, ...] = ()
    text: str

    def __str__(self) -> str:
        return self.text


def problems_of(graph: Graph) -> list[Problem]:
    """List all that keeps a graph from being run; an empty list if nothing does."""
    found = list(_names(graph))
    steps = {step.name: step for step in graph.steps}
    for step in graph.steps:
        found += [*_sources(step, steps), *_placeholders(step, graph), *_ports(step), *_values(step)]
    return [*found, *_cycle(graph, steps), *_places(graph)]


def placeholders(step: Step) -> Iterator[tuple[str, str]]:
    """List what the command and the variables of a step stand for: ``inputs``, ``outputs``, ``parameters``, a name."""
    for text in (*step.command, *step.variables.values()):
        yield from _PLACEHOLDER.findall(text)


def _names(graph: Graph) -> Iterator[Problem]:
    if not graph.steps:
        yield Problem(kind="empty", text="The pipeline has no steps.")
    for name, count in Counter(step.name for step in graph.steps).items():
        if count > 1:
            text = f"{count} steps are called {name!r}. Give each a name of its own: name='…'."
            yield Problem(kind="duplicate", steps=(name,), text=text)


def _sources(step: Step, steps: Mapping[str, Step]) -> Iterator[Problem]:
    for name in step.after:
        if name not in steps:
            text = f"Step {step.name!r} is to run after {name!r}, which is no step of the pipeline.{_near(name, steps)}"
            yield Problem(kind="nobody-writes", steps=(step.name,), text=text)
    for name, source in step.inputs.items():
        if not isinstance(source, FromOutput):
            continue
        writer = steps.get(source.step)
        if writer is None or source.output not in writer.outputs:
            text = f"Nobody writes the input {name!r} of step {step.name!r}: {_unwritten(source, writer, steps)}"
            yield Problem(kind="nobody-writes", steps=(step.name,), text=text)


def _unwritten(source: FromOutput, writer: Step | None, steps: Mapping[str, Step]) -> str:
    if not source.step:
        return "add it to the outputs of a step of the pipeline."
    if writer is None:
        return f"there is no step {source.step!r}.{_near(source.step, steps)}"
    return f"step {source.step!r} has no output {source.output!r}.{_near(source.output, writer.outputs)}"


def _placeholders(step: Step, graph: Graph) -> Iterator[Problem]:
    known: dict[str, Mapping[str, object]] = {
        "inputs": step.inputs,
        "outputs": step.outputs,
        "parameters": graph.parameters,
    }
    mentioned = set(placeholders(step))
    for kind, name in sorted(mentioned):
        if name not in known[kind]:
            of = "of the pipeline" if kind == "parameters" else f"of step {step.name!r}"
            text = f"Step {step.name!r} uses ${{{{{kind}.{name}}}}}, and that is none of the {kind} {of}."
            yield Problem(kind="placeholder", steps=(step.name,), text=text + _near(name, known[kind]))
    for name in step.outputs:
        if ("outputs", name) not in mentioned:
            text = f"Step {step.name!r} cannot know where to write its output {name!r}: add it to the arguments."
            yield Problem(kind="unconnected", steps=(step.name,), text=text)


def _ports(step: Step) -> Iterator[Problem]:
    for name in (*step.inputs, *step.outputs):
        if _NAME.fullmatch(name) is None:
            text = f"Step {step.name!r} has an input or output {name!r}: write letters, digits and '_', such as 'rows'."
            yield Problem(kind="name", steps=(step.name,), text=text)


def _values(step: Step) -> Iterator[Problem]:
    texts = (step.script or "", *step.command, *step.variables.values())
    wrong = {
        "a script or a command": not step.script and not step.command,
        "arguments and variables without zero bytes": any("\0" in text for text in texts),
        "a timeout above 0 s": step.timeout is not None and not step.timeout > 0,
        "retries of 0 or more, after 0 s or more": step.retries.count < 0 or not step.retries.delay >= 0,
        "a cpu and a memory of 0 or more": not step.cpu >= 0 or step.memory < 0,
        "reuse by 'content', 'definition' or 'never'": step.reuse.by not in ("content", "definition", "never"),
        "a max_age of 0 s or more": step.reuse.max_age is not None and not step.reuse.max_age >= 0,
    }
    for needed, is_wrong in wrong.items():
        if is_wrong:
            yield Problem(kind="value", steps=(step.name,), text=f"Step {step.name!r} needs {needed}.")


def _cycle(graph: Graph, steps: Mapping[str, Step]) -> Iterator[Problem]:
    before = {step.name: [name for name in graph.before(step) if name in steps] for step in graph.steps}
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        path = [str(name) for name in error.args[1]]
        text = f"The steps wait for each other: {' → '.join(path)}. Remove one of these, or what makes it wait."
        yield Problem(kind="cycle", steps=tuple(path[:-1]), text=text)


def _places(graph: Graph) -> Iterator[Problem]:
    """Find outputs that are kept at the same path of a datastore."""
    seen: dict[tuple[str, str], str] = {}
    for step in graph.steps:
        for name, output in step.outputs.items():
            place = _place(output)
            if place is not None and place in seen:
                text = (
                    f"Output {name!r} of step {step.name!r} and {seen[place]} are kept at one path: {'/'.join(place)}."
                )
                yield Problem(kind="two-writers", steps=(step.name,), text=text)
            elif place is not None:
                seen[place] = f"output {name!r} of step {step.name!r}"


def _place(output: Output) -> tuple[str, str] | None:
    return (output.datastore, output.path_on_datastore) if output.datastore and output.path_on_datastore else None


def _near(name: str, known: Mapping[str, object]) -> str:
    return f" There are: {', '.join(nearest(name, list(known)))}." if known else ""
