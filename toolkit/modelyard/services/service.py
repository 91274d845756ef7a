"""What a service is: a name, and the numbered revisions that were deployed to it."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from modelyard.operation import Page

RevisionState = Literal["deploying", "running", "failed", "replaced"]


class Placed(Struct, frozen=True, kw_only=True):
    """Where a revision runs: its URL, the machine, and what its target needs to find it again."""

    url: str
    machine: str
    facts: dict[str, str] = {}


class Revision(Struct, frozen=True, kw_only=True):
    """One deployment to a service.

    Parameters
    ----------
    number
        Counts from 1.
    image, digest
        What it runs: ``NAME:VERSION``, and the identity of its specification.
    models
        What that holds, each ``NAME:VERSION``.
    """

    service: str
    number: int
    target: str
    image: str
    digest: str
    models: tuple[str, ...]
    state: RevisionState
    placed: Placed | None = None
    reason: str = ""
    created: dt.datetime
    changed: dt.datetime


class ServiceInfo(Struct, frozen=True, kw_only=True):
    """A service, with its newest revision that runs (or, before one does, the one that is deploying)."""

    name: str
    created: dt.datetime
    tags: dict[str, str] = {}
    revision: Revision


class NewRevision(Struct, frozen=True, kw_only=True):
    """What a revision is made from: an image, ``NAME:VERSION``.

    A service that exists is only deployed to if `replace` is set.
    """

    target: str
    image: str
    tags: dict[str, str] = {}
    replace: bool = False


class RevisionChange(Struct, frozen=True, kw_only=True):
    """How a revision went on: it runs at `placed`, or it failed for `reason`."""

    state: RevisionState
    placed: Placed | None = None
    reason: str = ""


class ServiceQuery(Struct, frozen=True, kw_only=True):
    """Which services to list: by target or by model (``NAME`` or ``NAME:VERSION``); `limit` is 1 to 1000."""

    target: str | None = None
    model: str | None = None
    limit: int = 100
    cursor: str | None = None


ServicePage = Page[ServiceInfo]
RevisionPage = Page[Revision]
