"""Where a model version came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from modelyard.models.model import DatasetUse


class LockedEnvironment(Struct, frozen=True, kw_only=True):
    """The environment that a model was made in: `blob` holds the lock, whose own digest is `digest`."""

    blob: str
    digest: str
    kind: str
    python: str
    platform: str
    packages: int


class Lineage(Struct, frozen=True, kw_only=True):
    """Where a model version came from.

    Parameters
    ----------
    experiment, status
        Of the run; None if the workspace has no such run.
    snapshot
        The tree of the run's source.
    git
        What git said of the source: commit, branch, remote, whether it was changed.
    inputs
        The digests of the run's inputs, by name.
    derived_from
        The version that this one was converted from.
    """

    model: str
    run_id: str | None = None
    experiment: str | None = None
    status: str | None = None
    snapshot: str | None = None
    git: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    environment: LockedEnvironment | None = None
    inputs: dict[str, str] = {}
    datasets: tuple[DatasetUse, ...] = ()
    derived_from: str | None = None

    def __str__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self.facts())

    def facts(self) -> Iterator[tuple[str, str]]:
        """Say what is known, from the model back to the data, as names and texts."""
        if self.derived_from is not None:
            yield "converted from", self.derived_from
        if self.run_id is not None:
            known = f"{self.experiment}, {self.status}" if self.experiment else "not recorded in this workspace"
            yield "run", f"{self.run_id} ({known})"
        if self.snapshot is not None:
            yield "source", f"tree {self.snapshot}"
        if self.git:
            yield "git", ", ".join(f"{name} {value}" for name, value in self.git.items() if value not in (None, ""))
        if self.environment is not None:
            of = self.environment
            yield "environment", f"{of.packages} packages, Python {of.python}, {of.platform}, {of.kind} {of.digest}"
        yield from ((f"input {name}", digest) for name, digest in self.inputs.items())
        yield from ((f"data set ({use.purpose})", use.dataset) for use in self.datasets)
