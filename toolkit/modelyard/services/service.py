"""What a service is: a name, an address, and the numbered revisions that answer there."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from modelyard.operation import Page
from modelyard.services.rollout import Rollout
from modelyard.services.settings import ServiceSettings

RevisionState = Literal["deploying", "running", "failed", "replaced"]
Wanted = Literal["running", "stopped", "deleted"]


class Placed(Struct, frozen=True, kw_only=True):
    """Where a replica runs: its URL, the machine, and what its target needs to find it again."""

    url: str
    machine: str
    facts: dict[str, str] = {}


class ReplicaInfo(Struct, frozen=True, kw_only=True):
    """A running copy of a revision.

    Parameters
    ----------
    number
        Counts from 1 in its revision, and never comes again.
    ready
        Whether it has been ready; until then `placed` is where what a cut start left can be found.
    """

    number: int
    placed: Placed
    ready: bool = False


class Revision(Struct, frozen=True, kw_only=True):
    """One deployment to a service: what it runs does not change, so a rollback runs the same again.

    Parameters
    ----------
    number
        Counts from 1.
    image, digest
        What it runs: ``NAME:VERSION``, and the identity of its specification.
    models
        What that holds, each ``NAME:VERSION``.
    started
        How many replicas were ever begun.
    reason
        Why it failed.
    """

    service: str
    number: int
    target: str
    image: str
    digest: str
    models: tuple[str, ...]
    state: RevisionState
    replicas: tuple[ReplicaInfo, ...] = ()
    started: int = 0
    reason: str = ""
    created: dt.datetime
    changed: dt.datetime

    @property
    def ready(self) -> tuple[ReplicaInfo, ...]:
        """The replicas that have been ready."""
        return tuple(one for one in self.replicas if one.ready)


class ServiceStanding(Struct, frozen=True, kw_only=True):
    """What the runner has brought about.

    Parameters
    ----------
    machine
        Where the service runs; empty until a runner has taken it.
    url
        Its address; empty until it has one.
    serving
        The revision that was promoted last and not returned; None before the first.
    traffic
        Percent by revision, as the router has confirmed it.
    standby
        Revisions that were replaced and still run, and until when.
    problem
        What keeps the service from being as it should be, now; empty if nothing does.
    """

    machine: str = ""
    url: str = ""
    serving: int | None = None
    traffic: dict[int, int] = {}
    standby: dict[int, dt.datetime] = {}
    problem: str = ""


class ServiceInfo(Struct, frozen=True, kw_only=True):
    """A service.

    Parameters
    ----------
    wanted
        What it should be.
    revision
        The one that serves; before there is one, the newest.
    rollout
        The one that is under way, else the last; None for a service that was never deployed to.
    """

    name: str
    created: dt.datetime
    tags: dict[str, str] = {}
    settings: ServiceSettings
    wanted: Wanted
    standing: ServiceStanding
    revision: Revision
    rollout: Rollout | None = None

    @property
    def state(self) -> str:
        """What is recorded of it, in a word.

        ``deploying`` (the first rollout), ``running``, ``updating`` (a rollout beside what serves), ``failed`` (no
        revision ever served), ``unhealthy`` (a replica that should run does not), ``stopped`` or ``deleting``.
        """
        if self.wanted != "running":
            return "deleting" if self.wanted == "deleted" else "stopped"
        under_way = self.rollout is not None and not self.rollout.is_ended
        if self.standing.serving is None:
            return "deploying" if under_way else "failed"
        if self.standing.problem:
            return "unhealthy"
        return "updating" if under_way else "running"


class ServiceQuery(Struct, frozen=True, kw_only=True):
    """Which services to list; `limit` is 1 to 1000.

    Parameters
    ----------
    target
        Those whose serving revision runs there.
    model, image
        Those that serve it: ``NAME`` or ``NAME:VERSION``.
    tag
        Those with a tag: ``KEY`` or ``KEY=VALUE``.
    """

    target: str | None = None
    model: str | None = None
    image: str | None = None
    tag: str | None = None
    limit: int = 100
    cursor: str | None = None


class ServiceChange(Struct, frozen=True, kw_only=True):
    """What to change of a service without a new revision; None leaves it. `by` and `why` go into the ledger."""

    settings: ServiceSettings | None = None
    tags: dict[str, str] | None = None
    by: str
    why: str = ""


class ServiceWish(Struct, frozen=True, kw_only=True):
    """What a service should be from now on; `by` and `why` go into the ledger."""

    wanted: Wanted
    by: str
    why: str = ""


ServicePage = Page[ServiceInfo]
RevisionPage = Page[Revision]
