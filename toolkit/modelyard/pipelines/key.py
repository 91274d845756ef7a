"""What a step would do, as a value: two steps with the same key write the same, so that one need not run.

A key has a leaf for each thing that decides what a step writes, under a name that people understand: ``script``,
``command/2``, ``parameters/alpha``, ``variables/X``, ``inputs/data``, ``outputs/model``, ``code``, ``environment``,
``compute``. Where a leaf is a digest (of a tree, of a lock), what it stands for is a tree itself, whose leaves are
files and packages; `explanation` goes down to them.

Paths of a machine, times and the names of steps are in no leaf.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from modelyard.errors import NotFoundError
from modelyard.pipelines.graph import FromDataset, FromDatastore, FromOutput, Output, Source, Step, Value

V = TypeVar("V", bound=Value)

_PARAMETER = re.compile(r"\$\{\{\s*parameters\.([^}\s]+)\s*\}\}")


class Key(Struct, frozen=True, kw_only=True):
    """What decides what a step writes; `digest` is what an earlier step is looked up by."""

    leaves: dict[str, Value]

    @property
    def digest(self) -> str:
        """The sha256 of all leaves, in whatever order they are."""
        typed = {name: (type(value).__name__, value) for name, value in self.leaves.items()}  # True is not 1, nor 1.0
        return hashlib.sha256(msgspec.json.encode(typed, order="deterministic")).hexdigest()


def key_of(
    step: Step,
    *,
    parameters: Mapping[str, Value],
    inputs: Mapping[str, str],
    compute: str,
    installed: str = "",
) -> Key:
    """Put the key of a step together.

    Parameters
    ----------
    step
        With its code and environment filled in.
    parameters
        The values of the pipeline's parameters; those that the step does not use are no part of its key.
    inputs
        For each input what `content` or `origin` gives, as the step reuses by content or by definition.
    compute
        The class of its compute target: what is the same on all machines of it.
    installed
        For a step without an environment of its own: the digest of what is installed where it runs.

    Raises
    ------
    NotFoundError
        If the step uses a parameter that has no value, or an input is not given.
    """
    code = step.counted or step.code
    leaves: dict[str, Value] = {"compute": compute, "environment": step.environment or installed}
    leaves |= {"code": code} if code else {}
    leaves |= {} if step.script is None else {"script": step.script}
    leaves |= {f"command/{number}": word for number, word in enumerate(step.command, 1)}
    leaves |= {f"variables/{name}": _hidden(value) for name, value in step.variables.items()}
    leaves |= {f"parameters/{name}": _named("parameter", parameters, name) for name in used_parameters(step)}
    leaves |= {f"outputs/{name}": _declared(output) for name, output in step.outputs.items()}
    for name, source in step.inputs.items():
        leaves[f"inputs/{name}"] = _named("input", inputs, name)
        if isinstance(source, FromDatastore) and source.path_on_compute:
            leaves[f"inputs/{name}/path_on_compute"] = source.path_on_compute
    return Key(leaves=leaves)


def content(tree: str, path: str = "") -> str:
    """Say what an input holds: the digest of a tree, and the path in it that the step gets."""
    return f"{tree}/{path}" if path else tree


def origin(source: Source, keys: Mapping[str, str]) -> str:
    """Say where an input comes from.

    Parameters
    ----------
    keys
        The digests of the keys of the steps before, by their names.
    """
    match source:
        case FromOutput():
            return f"step {keys[source.step]} output {source.output}/{source.path}"
        case FromDatastore():
            return f"datastore {source.datastore}/{source.path}"
        case FromDataset():
            return f"dataset {source.dataset}:{source.version}"


def used_parameters(step: Step) -> tuple[str, ...]:
    """Name the parameters that a step uses, in its command and its variables."""
    return tuple(dict.fromkeys(_placeholders(step)))


def _placeholders(step: Step) -> Iterator[str]:
    for text in (*step.command, *step.variables.values()):
        yield from _PARAMETER.findall(text)


def _named(kind: str, given: Mapping[str, V], name: str) -> V:
    if name not in given:
        raise NotFoundError(kind, name, sorted(given))
    return given[name]


def _hidden(value: str) -> str:
    """Give a digest in place of a variable's value, which may be a secret: keys are shown."""
    return hashlib.sha256(value.encode()).hexdigest()


def _declared(output: Output) -> str:
    what = {None: "file or folder", True: "folder", False: "file"}[output.is_directory]
    kept = f", kept in {output.datastore} at {output.path_on_datastore!r}" if output.datastore else ""
    return what + kept
