"""The experiment that a user holds: runs of one task, to be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs, to_builtins

from modelyard.errors import InvalidValueError
from modelyard.paging import every
from modelyard.sdk.run.labels import new_run
from modelyard.sdk.run.run import Run
from modelyard.sdk.workspace import Workspace
from modelyard.tracking.run import ExperimentInfo, ExperimentQuery, NewExperiment, NewRun, RunQuery
from modelyard.tracking.status import Status


class Experiment:
    """Runs of one task, to be compared; it is made when its name is first used.

    Parameters
    ----------
    name
        1 to 128 characters of ``A-Z a-z 0-9 . _ -``, the first a letter or a digit.

    Raises
    ------
    InvalidNameError
        If `name` breaks that rule.
    """

    def __init__(self, workspace: Workspace, name: str, *, description: str = "") -> None:
        self.workspace = workspace
        self.info: ExperimentInfo = workspace.backend.experiments.create(
            NewExperiment(name=name, description=description)
        )

    @staticmethod
    def list(workspace: Workspace) -> list[Experiment]:
        """List the experiments of a workspace by name."""
        found: list[Experiment] = []
        cursor: str | None = None
        while True:
            page = workspace.backend.experiments.list(ExperimentQuery(cursor=cursor, limit=1000))
            found += [Experiment._of(workspace, info) for info in page.items]
            cursor = page.cursor
            if cursor is None:
                return found

    @property
    def name(self) -> str:
        """Its name."""
        return self.info.name

    def start_run(
        self,
        name: str | None = None,
        *,
        tags: Mapping[str, object] | None = None,
        properties: Mapping[str, object] | None = None,
        parameters: Mapping[str, Any] | None = None,
        snapshot_directory: str | Path | None = None,
    ) -> Run:
        """Begin a run that this process records; as a context manager it also ends it.

        It completes at the end of the ``with`` block, fails with an exception, and is canceled by Ctrl-C. Every ten
        seconds it gives a sign of life; without them it reads as NotResponding.

        Parameters
        ----------
        name
            What people call it; by default its id.
        snapshot_directory
            Keep the source that lies in this folder, and what git says of it.
        """
        new = new_run(name, tags=tags, properties=properties, parameters=parameters)
        return self._start(new, snapshot_directory)

    def start_logging(
        self, *, name: str | None = None, snapshot_directory: str | Path | None = None, **new: Any
    ) -> Run:
        """Begin a run as `start_run` does; ``complete``, ``fail`` or ``cancel`` ends it."""
        return self.start_run(name, snapshot_directory=snapshot_directory, **new)

    def submit(self, config: Any, tags: Mapping[str, object] | None = None, **options: Any) -> Any:
        """Run what `config` describes, such as a ``ScriptRunConfig``, and return its run.

        Raises
        ------
        InvalidValueError
            If `config` is nothing that can be submitted.
        """
        if not callable(getattr(config, "submit", None)):
            raise InvalidValueError(
                f"a {type(config).__name__}", "submit a ScriptRunConfig, a Pipeline or a PublishedPipeline"
            )
        return config.submit(self, tags=tags, **options)

    def get_runs(
        self,
        type: str | None = None,  # noqa: A002 - the name that users know
        tags: Mapping[str, object] | Sequence[str] | str | None = None,
        properties: Mapping[str, object] | Sequence[str] | str | None = None,
        *,
        status: Status | Sequence[Status] | None = None,
        include_children: bool = False,
    ) -> Iterator[Run]:
        """List runs, the newest first, fetched as they are asked for.

        Parameters
        ----------
        tags, properties
            What a run has to have: ``{key: value}``, or keys.
        status
            One, or some.
        """
        query = RunQuery(
            experiment=self.name,
            top=not include_children,
            type=() if type is None else (type,),
            tags=_labels(tags),
            properties=_labels(properties),
            status=(status,) if isinstance(status, str) else tuple(status or ()),
        )
        return list_runs(self.workspace, query)

    def __repr__(self) -> str:
        return f"Experiment({self.name!r})"

    @classmethod
    def _of(cls, workspace: Workspace, info: ExperimentInfo) -> Experiment:
        made = cls.__new__(cls)
        made.workspace, made.info = workspace, info
        return made

    def _start(self, new: NewRun, snapshot_directory: str | Path | None) -> Run:
        backend = self.workspace.backend
        digests = {**new.digests, "environment": self.workspace.running_environment}
        new = structs.replace(new, heartbeat=backend.beats.interval, digests=digests)
        if snapshot_directory is not None:
            new = _with_source(new, Path(snapshot_directory), self.workspace)
        run = Run(self.workspace, backend.runs.create(self.name, new))
        backend.beats.add(run.id)
        return run


def list_runs(workspace: Workspace, query: RunQuery) -> Iterator[Run]:
    """List the runs that a query chooses, fetched page by page as they are asked for."""
    for info in every(workspace.backend.runs.list, query):
        yield Run(workspace, info)


def _with_source(new: NewRun, folder: Path, workspace: Workspace) -> NewRun:
    from modelyard.tracking.git import git_facts
    from modelyard.tracking.snapshot import take_snapshot

    backend = workspace.backend
    tree = backend.trees.create(take_snapshot(folder, backend.blobs))
    facts = git_facts(folder)
    details = {} if facts is None else {"git": to_builtins(facts)}
    return structs.replace(new, digests={**new.digests, "snapshot": tree.digest}, details={**new.details, **details})


def _labels(given: Mapping[str, object] | Sequence[str] | str | None) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, str):
        return (given,)
    if isinstance(given, Mapping):
        return tuple(f"{key}={value}" for key, value in given.items())
    return tuple(given)
