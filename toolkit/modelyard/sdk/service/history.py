"""What happened to a service, and what served when: read out of the ledger, which outlives the service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from msgspec import Struct

from modelyard.ledger.entry import LedgerEntry, LedgerQuery
from modelyard.paging import every
from modelyard.sdk.workspace import Workspace
from modelyard.services.rows import subject

_TRAFFIC = {"shift": "to", "promote": "to", "return": "traffic", "abort": "traffic", "supersede": "traffic"}
"""The actions that change who answers, and which of their facts says who."""
_NONE = frozenset({"stop", "delete"})


class Served(Struct, frozen=True, kw_only=True):
    """A revision that answered: its percent of the requests, its image, and the identity of that."""

    share: int
    revision: int
    image: str
    digest: str


def history(workspace: Workspace, name: str, until: dt.datetime | None = None) -> Iterator[LedgerEntry]:
    """Go through what happened to a service, the newest first."""
    return every(workspace.backend.ledger.list, LedgerQuery(subject=subject(name), until=until))


def service_at(workspace: Workspace, name: str, moment: dt.datetime) -> tuple[Served, ...]:
    """Say which revisions answered at a moment, the larger share first; empty if none did."""
    shares: dict[int, int] | None = None
    served: list[Served] = []
    for entry in history(workspace, name, moment):
        if shares is None:
            shares = _shares(entry)
        if shares is None or entry.action != "deploy":
            continue
        number = entry.facts["revision"]
        if (share := shares.pop(number, 0)) > 0:
            served.append(
                Served(share=share, revision=number, image=entry.facts["image"], digest=entry.facts["digest"])
            )
        if not any(shares.values()):
            break
    return tuple(sorted(served, key=lambda one: (-one.share, one.revision)))


def _shares(entry: LedgerEntry) -> dict[int, int] | None:
    """Give the shares of the traffic after an entry; None if it changed nothing of them."""
    if entry.action in _NONE:
        return {}
    if (fact := _TRAFFIC.get(entry.action)) is None:
        return None
    return {int(number): share for number, share in entry.facts[fact].items()}
