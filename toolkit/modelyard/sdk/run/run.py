"""The run that a user holds: what is recorded of one execution."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from msgspec import to_builtins

import modelyard
from modelyard.sdk.run.context import context
from modelyard.sdk.run.files import RunFiles
from modelyard.sdk.run.labels import RunLabels, new_run
from modelyard.sdk.run.metrics import RunMetrics
from modelyard.sdk.run.models import RunModels
from modelyard.sdk.run.waiting import wait
from modelyard.sdk.workspace import Workspace
from modelyard.tracking.run import ENDS_AS, STEP, SUBMITTED, RunChange, RunError, RunInfo, RunQuery, StatusChange
from modelyard.tracking.status import FINAL, ORDER, Status

if TYPE_CHECKING:
    from modelyard.sdk.experiment import Experiment

_TRACEBACK = 16_000
"""Characters of a traceback's end that are kept."""


class Run(RunLabels, RunMetrics, RunFiles, RunModels):
    """A run: what one execution was given, logged, kept, and how it ended.

    Made by ``Experiment.start_run``, ``start_logging`` and ``submit``; found by `Run.get` and `Run.get_context`. In a
    ``with`` block it completes at the end, fails with an exception, and is canceled by Ctrl-C.

    """

    def __init__(self, workspace: Workspace, info: RunInfo) -> None:
        self.workspace = workspace
        self.backend = workspace.backend
        self.id = info.id
        self._info = info
        self._submitted = False

    @classmethod
    def get(cls, workspace: Workspace, run_id: str) -> Self:
        """Find a run by its id.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        return cls(workspace, workspace.backend.runs.get(run_id))

    @classmethod
    def get_context(cls, allow_offline: bool = True) -> Self:
        """Return the run that this process belongs to, in a script that was submitted; elsewhere an offline run.

        A submitted run ends when its script has ended and its outputs are kept; what the script says of its end before
        (``complete``, ``fail``, the end of a ``with`` block) is noted, and counts then. An offline run has all
        methods; what it logs goes with the process, its files are written below ``./outputs``.

        Raises
        ------
        StateError
            If there is no run, and `allow_offline` is not set.
        """
        run = cls(*context(allow_offline=allow_offline))
        run._submitted = run.type in (SUBMITTED, STEP)
        return run

    @property
    def number(self) -> int:
        """Its number in the experiment, counted from 1."""
        return self._info.number

    @property
    def experiment(self) -> Experiment:
        """The experiment that it belongs to."""
        found: Experiment = modelyard.Experiment(self.workspace, self._info.experiment)
        return found

    @property
    def info(self) -> RunInfo:
        """All that is recorded of it, as it stands now."""
        if self._info.status not in FINAL:
            self._info = self.backend.runs.get(self.id)
        return self._info

    @property
    def status(self) -> Status:
        """Where it stands now."""
        return self.info.status

    @property
    def type(self) -> str:
        """What kind of run it is: ``run``, ``script``, …."""
        return self._info.type

    @property
    def parent(self) -> Run | None:
        """The run that it is a child of."""
        parent = self._info.parent
        return None if parent is None else Run(self.workspace, self.backend.runs.get(parent))

    def get_status(self) -> Status:
        """Return where it stands now."""
        return self.status

    def get_details(self) -> dict[str, Any]:
        """Return what is recorded of it, under the names that users of such systems know."""
        info = self._fresh()
        return {
            "runId": info.id,
            "experiment": info.experiment,
            "number": info.number,
            "displayName": info.display_name,
            "runType": info.type,
            "status": info.status,
            "parentRunId": info.parent,
            "createdTimeUtc": info.created,
            "startTimeUtc": info.started,
            "endTimeUtc": info.ended,
            "tags": info.tags,
            "properties": info.properties,
            "parameters": info.parameters,
            "digests": info.digests,
            "details": info.details,
            "error": None if info.error is None else {"code": info.error.code, "message": info.error.message},
            "logFiles": [log.path for log in self.backend.logs.list(self.id).items],
        }

    def child_run(self, name: str = "", **new: Any) -> Run:
        """Start a run within this one; `new` as in ``Experiment.start_run``."""
        return self._child("Running", name, **new)

    def create_children(self, count: int, **new: Any) -> list[Run]:
        """Make runs within this one, to be started later."""
        return [self._child("NotStarted", "", **new) for _ in range(count)]

    def get_children(self, *, recursive: bool = False) -> Iterator[Run]:
        """List the runs within this one, the newest first; with `recursive` those within them too."""
        cursor: str | None = None
        while True:
            page = self.backend.runs.list(RunQuery(parent=self.id, cursor=cursor))
            for info in page.items:
                child = Run(self.workspace, info)
                yield child
                if recursive:
                    yield from child.get_children(recursive=True)
            cursor = page.cursor
            if cursor is None:
                return

    def start(self) -> None:
        """Begin: it becomes Running."""
        self._move(StatusChange(status="Running"))

    def complete(self) -> None:
        """End well.

        Raises
        ------
        StateError
            If it has ended.
        """
        self._move(StatusChange(status="Completed"))

    def fail(self, error_details: str | BaseException = "", error_code: str = "") -> None:
        """End badly, and keep why: a sentence, or the exception with the end of its traceback.

        Raises
        ------
        StateError
            If it has ended.
        """
        self._move(StatusChange(status="Failed", error=_error(error_details, error_code)))

    def cancel(self) -> None:
        """End it before its end: one that was submitted is asked to, any other is canceled at once.

        Raises
        ------
        StateError
            If it has ended.
        """
        asked = self._info.type != "run" and self.status in ORDER[1:]
        self._move(StatusChange(status="CancelRequested" if asked else "Canceled"))

    def flush(self) -> None:
        """Return when all that was logged is kept, which it always is."""

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """Wait until it has ended, and return `get_details`.

        Parameters
        ----------
        show_output
            Print its logs as they grow.
        wait_post_processing
            Accepted, as scripts pass it: nothing is left to do once a run has ended.

        Raises
        ------
        RunFailedError
            If it did not complete, or gives no sign of life for a minute; not with ``raise_on_error=False``.
        """
        del wait_post_processing
        wait(self, show_output=show_output, raise_on_error=raise_on_error)
        return self.get_details()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        if self.status in FINAL:
            self.backend.beats.remove(self.id)
        elif error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            self.complete()
        elif isinstance(error, KeyboardInterrupt):
            self._move(StatusChange(status="Canceled"))
        else:
            self.fail(error)

    def __repr__(self) -> str:
        return f"Run({self.id!r}, {self._info.status})"

    def _move(self, change: StatusChange) -> None:
        if self._submitted and change.status in FINAL:
            self._change(RunChange(details={ENDS_AS: to_builtins(change)}))
            return
        self._info = self.backend.runs.change_status(self.id, change)
        if self._info.status in FINAL:
            self.backend.beats.remove(self.id)

    def _child(self, status: Status, name: str, **new: Any) -> Run:
        made = new_run(name, status=status, parent=self.id, **new)
        return Run(self.workspace, self.backend.runs.create(self._info.experiment, made))

    def _below(self) -> Iterator[Run]:
        return self.get_children(recursive=True)


def _error(details: str | BaseException, code: str) -> RunError:
    if isinstance(details, str):
        return RunError(message=details or "It was said to have failed.", code=code)
    lines = traceback.format_exception(details)
    return RunError(message=lines[-1].strip(), code=code, traceback="".join(lines)[-_TRACEBACK:])
