"""Where jobs run: what every compute target can do."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from modelyard.compute.job import Job
from modelyard.compute.preparation import Trees
from modelyard.errors import NotFoundError
from modelyard.settings import Settings

GROUP = "modelyard.computes"
"""The entry points of compute targets: each makes one for a workspace's settings."""

State = Literal["absent", "running", "ended", "lost"]
"""absent: nothing was started at a place, or it was cleared; lost: it was started, and has gone without an end."""


class JobState(Struct, frozen=True, kw_only=True):
    """What is seen of a job.

    Parameters
    ----------
    exit_status
        When it has ended: negative for the signal that ended it.
    detail
        Why, where the status alone does not say: it ran out of time, of memory, was cancelled.
    """

    state: State
    exit_status: int | None = None
    detail: Literal["", "timeout", "memory", "canceled"] = ""


class Compute(Protocol):
    """Runs jobs, each at a place: a folder of this machine that nobody else uses, known before the job is started.

    A job outlives whoever started it: another process that knows the place observes it, ends it, takes what it wrote.
    At a place a job is started once, whoever is killed in between, and never again after `clear`.
    """

    def start(self, job: Job, place: Path, trees: Trees) -> None:
        """Prepare a job and start it; does nothing if it was started there.

        Raises
        ------
        ModelyardError
            If it cannot be prepared: the environment cannot be made, a blob is damaged.
        """

    def observe(self, place: Path) -> JobState:
        """Say how it is with the job at a place."""

    def wait(self, places: list[Path], seconds: float) -> None:
        """Return when a job of these has ended, or after some seconds."""

    def end(self, place: Path) -> None:
        """Have a job and all that it has started end; it does not wait for that."""

    def log(self, place: Path) -> Path:
        """Say in which file what the job writes to its output is, as much as is kept of it."""

    def output(self, place: Path, name: str) -> Path:
        """Say where the job writes an output."""

    def clear(self, place: Path) -> None:
        """Remove everything of a job that does not run; one that was about to start there never will."""


def find_compute(kind: str, settings: Settings) -> Compute:
    """Make the installed compute target of that kind.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    for point in entry_points(group=GROUP, name=kind):
        compute: Compute = point.load()(settings)
        return compute
    raise NotFoundError("kind of compute target", kind, sorted(point.name for point in entry_points(group=GROUP)))
