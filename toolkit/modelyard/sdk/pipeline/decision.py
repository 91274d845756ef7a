"""Whether a step has to run: its key, and what is kept of earlier ones."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from modelyard.backend.backend import Backend
from modelyard.pipelines.advance import CacheKeys, KeptOutputs
from modelyard.pipelines.explanation import Because
from modelyard.pipelines.graph import FromOutput, Graph, Step, Value
from modelyard.pipelines.key import Key, content, key_of, origin
from modelyard.pipelines.run import CacheEntry, Options, StepInfo, StepOutput

_PARAMETER = re.compile(r"\$\{\{\s*parameters\.([^}\s]+)\s*\}\}")

Given = Mapping[str, StepOutput]
"""What the inputs of a step hold, by their names."""


class Decision(Struct, frozen=True, kw_only=True):
    """Whether a step has to run, and why; `reused` is what stands in for its run."""

    key: Key
    because: Because
    detail: str = ""
    reused: CacheEntry | None = None


class Decider:
    """Decides for the steps of one run.

    Parameters
    ----------
    parameters
        The values of all parameters of the graph.
    resumed
        How the steps stood in the run that is resumed, by their names.
    """

    def __init__(
        self,
        backend: Backend,
        graph: Graph,
        options: Options,
        parameters: Mapping[str, Value],
        resumed: Mapping[str, StepInfo],
    ) -> None:
        self._backend = backend
        self._graph = graph
        self._options = options
        self._parameters = parameters
        self._resumed = resumed

    def key(self, step: Step, given: Given, keys: Mapping[str, str], compute: str) -> Key:
        """Put the key of a step together.

        Parameters
        ----------
        given
            What its inputs hold.
        keys
            The keys of the steps before it, by their names.
        compute
            What runs the jobs of its compute target.
        """
        by_definition = step.reuse.by == "definition"
        inputs = {
            name: origin(source, keys) if by_definition else content(given[name].tree, given[name].path)
            for name, source in step.inputs.items()
        }
        return key_of(
            step, parameters=self._parameters, inputs=inputs, compute=compute, installed=self._options.installed
        )

    def decide(self, wanted: Mapping[int, tuple[Step, Key]]) -> dict[int, Decision]:
        """Decide for steps, by their positions."""
        keys = tuple({key.digest for step, key in wanted.values()})
        found = {entry.key: entry for entry in self._backend.pipeline_progress.cached(CacheKeys(keys=keys)).entries}
        decided = {at: self._decide(step, key, found.get(key.digest)) for at, (step, key) in wanted.items()}
        return decided | self._not_whole({at: one for at, one in decided.items() if one.reused is not None})

    def _not_whole(self, decided: Mapping[int, Decision]) -> dict[int, Decision]:
        """Decide anew where what would be reused is not whole."""
        if not decided:
            return {}
        kept = KeptOutputs(outputs=tuple(one.reused.outputs for one in decided.values() if one.reused is not None))
        faults = self._backend.pipeline_progress.faults(kept).faults
        return {
            at: Decision(key=one.key, because=fault.because, detail=fault.detail)
            for (at, one), fault in zip(decided.items(), faults, strict=True)
            if fault is not None
        }

    def _decide(self, step: Step, key: Key, entry: CacheEntry | None) -> Decision:
        if self._options.regenerate:
            return Decision(key=key, because="regenerate")
        earlier = self._finished_before(step, key)
        if earlier is None and step.reuse.by == "never":
            return Decision(key=key, because="off")
        entry = earlier or entry
        if entry is None:
            return Decision(key=key, because="changed")
        age = time.time() - entry.created
        if earlier is None and step.reuse.max_age is not None and age > step.reuse.max_age:
            return Decision(key=key, because="old", detail=f"{age:.0f} s, at most {step.reuse.max_age:.0f} s")
        return Decision(key=key, because="same", reused=entry)

    def _finished_before(self, step: Step, key: Key) -> CacheEntry | None:
        before = self._resumed.get(step.name)
        if before is None or before.state not in ("finished", "reused") or Key(leaves=before.leaves) != key:
            return None
        return CacheEntry(key=key.digest, run=before.run, created=before.ended or 0.0, outputs=before.outputs)


def filled_in(step: Step, parameters: Mapping[str, Value]) -> Step:
    """Put the values of parameters into the command and the variables of a step."""

    def value(match: re.Match[str]) -> str:
        return str(parameters[match[1]])

    command = tuple(_PARAMETER.sub(value, word) for word in step.command)
    return replace(
        step,
        command=command,
        variables={name: _PARAMETER.sub(value, text) for name, text in step.variables.items()},
    )


def from_outputs(step: Step, done: Mapping[str, StepInfo]) -> dict[str, StepOutput]:
    """Give the inputs of a step that other steps have written."""
    found = {}
    for name, source in step.inputs.items():
        if isinstance(source, FromOutput):
            written = done[source.step].outputs[source.output]
            below = "/".join(part for part in (written.path, source.path) if part)
            found[name] = StepOutput(tree=written.tree, path=below)
    return found


def local_python(options: Options, otherwise: str) -> str:
    """Say which interpreter runs steps that have no environment of their own."""
    return options.python if options.python and Path(options.python).exists() else otherwise
