"""The statuses of a run, and which may follow which.

::

    NotStarted > Queued > Preparing > Provisioning > Starting > Running > Finalizing > Completed
                 any of these, and CancelRequested  > Failed, Canceled

A run goes forwards, and may leave out what does not apply to it. Completed, Failed and Canceled are final.
NotResponding is never recorded: a run that should give signs of life and does not is read as that.
"""

from __future__ import annotations

from typing import Literal

from modelyard.errors import StateError

Status = Literal[
    "NotStarted",
    "Queued",
    "Preparing",
    "Provisioning",
    "Starting",
    "Running",
    "Finalizing",
    "CancelRequested",
    "Completed",
    "Failed",
    "Canceled",
    "NotResponding",
]
"""Where a run stands."""

ORDER: tuple[Status, ...] = (
    "NotStarted",
    "Queued",
    "Preparing",
    "Provisioning",
    "Starting",
    "Running",
    "Finalizing",
)
"""The stages of a run on its way, the first first."""

FINAL: frozenset[Status] = frozenset({"Completed", "Failed", "Canceled"})
"""The statuses that never change again."""

MISSED = 3
"""A run is not responding after so many intervals without a sign of life."""

_AFTER: dict[str, frozenset[Status]] = {
    **{stage: frozenset({*ORDER[at + 1 :], "CancelRequested", *FINAL}) for at, stage in enumerate(ORDER)},
    "CancelRequested": FINAL,
    **dict.fromkeys(FINAL, frozenset()),
}


def may_follow(now: Status, then: Status) -> bool:
    """Say whether a run that is `now` may become `then`."""
    return then in _AFTER.get(now, ())


def check_change(run: str, now: Status, then: Status) -> None:
    """Pass if a run that is `now` may become `then`.

    Raises
    ------
    StateError
        If it may not.
    """
    if not may_follow(now, then):
        raise StateError(f"Run {run}", now, f"become {then}")


def as_read(recorded: Status, interval: float | None, heartbeat: float | None, now: float) -> Status:
    """Say how a recorded status reads at `now`: a run on its way that gives no sign of life is NotResponding.

    A run that is not Running yet is silent only once it has given a sign of life: before, nobody looks after it.

    Parameters
    ----------
    interval
        Seconds between the signs of life that the run promised; None if it promised none.
    heartbeat
        When the last one came, None if none ever did; like `now` by the store's clock, in seconds.
    """
    if recorded in FINAL or interval is None or (heartbeat is None and recorded != "Running"):
        return recorded
    silent = heartbeat is None or heartbeat < now - MISSED * interval
    return "NotResponding" if silent else recorded
