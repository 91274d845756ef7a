"""A service in the hands of the runner that holds its lease."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from modelyard.ledger.entry import NewEntry
from modelyard.runner.holder import Lease
from modelyard.sdk.service.places import route_name, service_folder
from modelyard.sdk.workspace import Workspace
from modelyard.services.progress import Advance, Look
from modelyard.services.rollout import Rollout
from modelyard.services.rows import subject
from modelyard.services.service import Revision, ServiceInfo, ServiceStanding


class Held:
    """What is known of a service, and the only way to write down what was brought about.

    Attributes
    ----------
    look
        The service as it was read last, or written.
    """

    def __init__(self, workspace: Workspace, name: str, lease: Lease) -> None:
        self.workspace = workspace
        self.name = name
        self.lease = lease
        self.look: Look = workspace.backend.service_progress.look(name)

    @property
    def info(self) -> ServiceInfo:
        """The service."""
        return self.look.info

    @property
    def standing(self) -> ServiceStanding:
        """What has been brought about."""
        return self.look.info.standing

    @property
    def rollout(self) -> Rollout | None:
        """The rollout that is under way."""
        rollout = self.look.info.rollout
        return None if rollout is None or rollout.is_ended else rollout

    @property
    def folder(self) -> Path:
        """Where the service has its files on this machine."""
        return service_folder(self.workspace, self.name)

    @property
    def route(self) -> str:
        """What the router of this machine calls the service."""
        return route_name(self.workspace, self.name)

    def refresh(self) -> None:
        """Read anew what is wanted.

        Raises
        ------
        LeaseLostError
            If another may hold the lease by now.
        """
        self.lease.check()
        self.look = self.workspace.backend.service_progress.look(self.name)

    def advance(
        self,
        *,
        standing: ServiceStanding | None = None,
        revisions: Sequence[Revision] = (),
        rollout: Rollout | None = None,
        answered: str | None = None,
        entries: Sequence[NewEntry] = (),
        settled: bool = False,
    ) -> None:
        """Write down what was brought about, in one transaction.

        Raises
        ------
        LeaseLostError
            If another holds the lease by now; nothing is written.
        """
        self.lease.check()
        advance = Advance(
            token=self.lease.token,
            settled=self.look.wishes if settled else None,
            standing=standing,
            revisions=tuple(revisions),
            rollout=rollout,
            answered=answered,
            entries=tuple(entries),
        )
        self.look = self.workspace.backend.service_progress.advance(self.name, advance)

    def stand(self, **changes: Any) -> ServiceStanding:
        """Give the standing with some of it changed."""
        return replace(self.standing, machine=platform.node(), **changes)

    def entry(self, action: str, facts: Mapping[str, Any], why: str = "") -> NewEntry:
        """Make an entry of the ledger for what the runner did by itself."""
        told = msgspec.to_builtins(facts, str_keys=True)
        return NewEntry(subject=subject(self.name), action=action, facts=told, by=f"runner@{platform.node()}", why=why)
