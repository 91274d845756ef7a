"""What is done to a graph when it is submitted: code, environments and what counts are kept, and named by digests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from modelyard.pipelines.graph import FromDataset, Graph, Source, Step
from modelyard.sdk.pipeline.counted import counted_tree
from modelyard.sdk.pipeline.step import PipelineStep
from modelyard.sdk.run.script import lock_of
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import Tree
from modelyard.tracking.snapshot import take_snapshot

if TYPE_CHECKING:
    from modelyard.sdk.pipeline.pipeline import Pipeline

Seen = Callable[[str, int], None]


def seal(graph: Graph, pipeline: Pipeline, seen: Seen | None = None) -> Graph:
    """Keep what the steps of a graph need in the workspace, and fill in the digests.

    A source folder, an environment is kept once, however many steps use it.

    Parameters
    ----------
    graph
        What `compiled` made of `pipeline`.
    seen
        Called with the path and the bytes of each file of the code that has been kept: progress.

    Raises
    ------
    SnapshotTooLargeError
        If a source folder holds more than a snapshot may.
    InvalidPathError
        If something in one cannot be kept.
    ResolveError
        If an environment cannot be locked.
    NotFoundError
        If there is no environment or data set of a name.
    """
    press = _Press(pipeline.workspace, seen)
    given = {step.name: step for step in pipeline.steps}
    steps = [press.sealed(step, given[step.name], pipeline.folder_of(given[step.name])) for step in graph.steps]
    return structs.replace(graph, steps=tuple(steps))


class _Press:
    """Keeps things once."""

    def __init__(self, workspace: Workspace, seen: Seen | None) -> None:
        self._workspace = workspace
        self._seen = seen
        self._code: dict[Path, tuple[str, Tree]] = {}
        self._environments: list[tuple[Any, str]] = []

    def sealed(self, step: Step, given: PipelineStep, folder: Path | None) -> Step:
        code, tree = ("", Tree(entries=())) if folder is None else self._folder(folder)
        counted = ""
        if given.hash_paths:
            made = counted_tree(given.hash_paths, folder, given.script, tree, self._workspace.backend.blobs)
            counted = self._workspace.backend.trees.create(made).digest
        return structs.replace(
            step,
            inputs={name: self._source(source) for name, source in step.inputs.items()},
            code=code,
            counted="" if counted == code else counted,
            environment=self._lock(given.environment),
        )

    def _source(self, source: Source) -> Source:
        """Write down which version of a data set is the newest now."""
        if not isinstance(source, FromDataset) or source.version:
            return source
        newest = self._workspace.backend.datasets.get(source.dataset).version
        return structs.replace(source, version=newest)

    def _folder(self, folder: Path) -> tuple[str, Tree]:
        if folder not in self._code:
            tree = take_snapshot(folder, self._workspace.backend.blobs, seen=self._seen)
            self._code[folder] = self._workspace.backend.trees.create(tree).digest, tree
        return self._code[folder]

    def _lock(self, environment: Any) -> str:
        """Keep the lock of an environment, without where it came from: what installs the same has one digest."""
        if environment is None:
            return ""
        known = next((digest for one, digest in self._environments if one is environment or one == environment), None)
        if known is None:
            known = self._workspace.backend.blobs.put(lock_of(self._workspace, environment).bare.to_json())
            self._environments.append((environment, known))
        return known
