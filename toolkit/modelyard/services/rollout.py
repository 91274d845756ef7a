"""A rollout: the way of a revision into traffic, or back out of it."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from msgspec import Struct, field

from modelyard.operation import Page
from modelyard.services.policy import Policy
from modelyard.services.settings import ServiceSettings

RolloutState = Literal[
    "queued", "starting", "checking", "shifting", "waiting", "promoted", "returned", "aborted", "superseded"
]
ENDED = frozenset({"promoted", "returned", "aborted", "superseded"})


class Failure(Struct, frozen=True, kw_only=True):
    """Why a revision did not come into traffic, or left it.

    Parameters
    ----------
    phase
        ``environment``, ``import``, ``init``, ``warm-up``, ``start``, ``ready``, ``sample``, ``gate`` or ``traffic``;
        or the code of an error that has none of these.
    """

    phase: str
    message: str
    trace: str = ""
    hint: str = ""


class Rollout(Struct, frozen=True, kw_only=True):
    """The way of a revision into traffic.

    Parameters
    ----------
    number
        Counts from 1 in its service.
    revision, base
        Which is to serve, and which did before; `base` is None while nothing did.
    state
        ``queued``; ``starting`` until its replicas are ready; ``checking`` its sample and gate; ``shifting`` traffic;
        ``waiting`` until it is promoted or aborted by hand; then ``promoted``, ``returned`` (it has not proved itself),
        ``aborted`` (by hand) or ``superseded`` (its service was stopped or deleted).
    stage
        Which of the policy's stages holds, from 0; -1 before the first.
    entered
        When that stage began.
    evidence
        What the stages were judged by, the newest last.
    asked
        What was asked for by hand.
    """

    service: str
    number: int
    revision: int
    base: int | None = None
    policy: Policy
    state: RolloutState
    stage: int = -1
    entered: dt.datetime | None = None
    reason: str = ""
    failure: Failure | None = None
    evidence: tuple[dict[str, Any], ...] = ()
    asked: Literal["promote", "abort"] | None = None
    by: str
    why: str = ""
    created: dt.datetime
    changed: dt.datetime

    @property
    def is_ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ENDED


class NewRollout(Struct, frozen=True, kw_only=True):
    """What is to serve, and how it comes to that.

    Parameters
    ----------
    image, target
        What a new revision runs, ``NAME:VERSION``, and where.
    revision
        A revision that served before, in place of an image: a rollback.
    settings, tags
        Of the service; None keeps what it has.
    queue
        Wait for the rollout that is under way; without it a second one is refused.
    machine
        Which machine's runner is to bring it about; empty for the first that comes.
    """

    image: str = ""
    target: str = "process"
    revision: int | None = None
    policy: Policy = field(default_factory=Policy.all_at_once)
    settings: ServiceSettings | None = None
    tags: dict[str, str] | None = None
    queue: bool = False
    machine: str = ""
    by: str
    why: str = ""


class Begun(Struct, frozen=True, kw_only=True):
    """What came of a deployment: the rollout that brings it about; None if it serves already."""

    service: str
    revision: int
    rollout: int | None


class RolloutAsk(Struct, frozen=True, kw_only=True):
    """What the rollout that is under way is to do: go on at once, or return; `by` and `why` go into the ledger."""

    wanted: Literal["promote", "abort"]
    by: str
    why: str = ""


RolloutPage = Page[Rollout]
