"""Whether a step has to run: its key, and what is kept of earlier ones."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from modelyard.backend.backend import Backend
from modelyard.errors import DigestMismatchError, MissingBlobError
from modelyard.pipelines.explanation import Because
from modelyard.pipelines.graph import FromOutput, Graph, Step, Value
from modelyard.pipelines.key import Key, content, key_of, origin
from modelyard.pipelines.progress import CacheKeys
from modelyard.pipelines.run import CacheEntry, Options, StepInfo, StepOutput
from modelyard.store.blobs import BlobFolder, digest_of

_PARAMETER = re.compile(r"\$\{\{\s*parameters\.([^}\s]+)\s*\}\}")

Given = Mapping[str, StepOutput]
"""What the inputs of a step hold, by their names."""


class Decision(Struct, frozen=True, kw_only=True):
    """Whether a step has to run, and why; `reused` is what stands in for its run."""

    key: Key
    because: Because
    detail: str = ""
    reused: CacheEntry | None = None


class Wholeness:
    """Finds out whether what was kept is there and undamaged; what has not changed since is not read again."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._seen: dict[str, tuple[int, int, int]] = {}

    def fault(self, outputs: Mapping[str, StepOutput]) -> tuple[Because, str] | None:
        """Say what is wrong with outputs; None if nothing is. A damaged file is removed, so that it can come anew."""
        for name, output in outputs.items():
            try:
                tree = self._backend.trees.get(output.tree)
                digests = sorted({entry.sha256 for entry in tree.entries if entry.sha256})
                known = {one for one in digests if one in self._seen and self._seen[one] == self._identity(one)}
                if missing := self._backend.blobs.missing(digests):  # which changes the times of those that are kept
                    return "missing", f"output {name!r}: {len(missing)} of its files"
                for digest in digests:
                    self._check(digest, is_known=digest in known)
            except (MissingBlobError, FileNotFoundError):
                return "missing", f"output {name!r}"
            except DigestMismatchError as error:
                self._remove(error.expected)
                return "damaged", f"output {name!r}"
        return None

    def _remove(self, digest: str) -> None:
        if isinstance(self._backend.blobs, BlobFolder):
            self._backend.blobs.path(digest).unlink(missing_ok=True)

    def _check(self, digest: str, *, is_known: bool) -> None:
        blobs = self._backend.blobs
        if not isinstance(blobs, BlobFolder):
            return  # the server reads what it sends, and whoever receives it compares
        if not is_known and (actual := digest_of(blobs.path(digest))) != digest:
            raise DigestMismatchError(f"blob {digest}", digest, actual)
        self._seen[digest] = self._identity(digest)

    def _identity(self, digest: str) -> tuple[int, int, int]:
        blobs = self._backend.blobs
        if not isinstance(blobs, BlobFolder):
            return (0, 0, 0)
        status = blobs.path(digest).stat()
        return (status.st_ino, status.st_mtime_ns, status.st_size)


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
        wholeness: Wholeness,
        resumed: Mapping[str, StepInfo],
    ) -> None:
        self._backend = backend
        self._graph = graph
        self._options = options
        self._parameters = parameters
        self._wholeness = wholeness
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
        return {at: self._decide(step, key, found.get(key.digest)) for at, (step, key) in wanted.items()}

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
        if (fault := self._wholeness.fault(entry.outputs)) is not None:
            return Decision(key=key, because=fault[0], detail=fault[1])
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
