"""A service's revisions and rollouts: forward, back, by hand, and what happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.ledger.entry import LedgerEntry
from modelyard.sdk.author import author
from modelyard.sdk.runner import ensure_runner
from modelyard.sdk.service.deployment import merged
from modelyard.sdk.service.history import Served, history, service_at
from modelyard.sdk.service.use import ServiceUse
from modelyard.sdk.service.waiting import Say, silent, until, until_ended
from modelyard.services.policy import Policy
from modelyard.services.rollout import NewRollout, Rollout, RolloutAsk
from modelyard.services.service import Revision, ServiceChange, ServiceInfo
from modelyard.services.settings import ServiceSettings

ALL_AT_ONCE = Policy.all_at_once()


class ServiceRollouts(ServiceUse):
    """The part of `Service` that is about its revisions."""

    def revisions(self) -> tuple[Revision, ...]:
        """List every revision, the newest first."""
        return self.workspace.backend.services.revisions(self.name).items

    def rollouts(self) -> tuple[Rollout, ...]:
        """List every rollout, the newest first."""
        return self.workspace.backend.services.rollouts(self.name).items

    def history(self) -> Iterator[LedgerEntry]:
        """Go through what happened to it, the newest first."""
        return history(self.workspace, self.name)

    def at(self, moment: dt.datetime) -> tuple[Served, ...]:
        """Say which revisions answered at a moment, the larger share first; empty if none did."""
        return service_at(self.workspace, self.name, moment)

    def update(self, *, tags: Mapping[str, str] | None = None, why: str = "", **settings: Any) -> Self:
        """Change tags, or settings by their names in `ServiceSettings`, without a new revision.

        Raises
        ------
        InvalidValueError
            If there is no such setting, or its value is not allowed.
        """
        if unknown := settings.keys() - set(ServiceSettings.__struct_fields__):
            raise InvalidValueError(
                f"setting {min(unknown)!r}", f"there are {', '.join(ServiceSettings.__struct_fields__)}"
            )
        change = ServiceChange(
            settings=merged(self.workspace, self.name, None, **settings),
            tags=None if tags is None else dict(tags),
            by=author(),
            why=why,
        )
        self.workspace.backend.services.change(self.name, change)
        ensure_runner(self.workspace)
        return self.refresh()

    def rollback(
        self,
        revision: int | None = None,
        *,
        policy: Policy = ALL_AT_ONCE,
        why: str = "",
        wait: bool = True,
        say: Say = silent,
    ) -> Self:
        """Have a revision serve again, by default the one that served before.

        Raises
        ------
        NotFoundError
            If there is no such revision, none served before, or its image was deleted.
        RolloutUnderWayError
            If a rollout is under way; `abort` ends it.
        """
        number = self._before() if revision is None else revision
        new = NewRollout(revision=number, policy=policy, by=author(), why=why)
        begun = self.workspace.backend.services.deploy(self.name, new)
        ensure_runner(self.workspace)
        if wait and begun.rollout is not None:
            until_ended(self.workspace, self.name, begun.rollout, say)
        return self.refresh()

    def promote(self, why: str = "") -> Self:
        """Have the rollout that is under way go on at once: by hand to its next stage, else to its end."""
        return self._ask("promote", why)

    def abort(self, why: str = "") -> Self:
        """Have the rollout that is under way return to the revision before, and wait until that is so."""
        rollout = self._ask("abort", why).rollout
        number = 0 if rollout is None else rollout.number

        def is_over(info: ServiceInfo | None) -> bool:
            return info is None or info.rollout is None or info.rollout.number != number or info.rollout.is_ended

        until(self.workspace, self.name, f"the end of rollout {number} of {self.name}", is_over)
        return self.refresh()

    def wait(self, timeout: float | None = None, say: Say = silent) -> Self:
        """Wait until the rollout that is under way has ended; returns at once if none is.

        Raises
        ------
        DeploymentFailedError
            If it was returned or aborted.
        WaitTimeoutError
            If it has not ended after `timeout` seconds; it goes on.
        """
        rollout = self.refresh().rollout
        if rollout is not None and not rollout.is_ended:
            until_ended(self.workspace, self.name, rollout.number, say, timeout)
        return self.refresh()

    def _before(self) -> int:
        """Find the revision that served before the one that serves."""
        promoted = [one for one in self.rollouts() if one.state == "promoted"]
        found = next((one.base for one in promoted if one.revision == self.refresh().info.standing.serving), None)
        if found is None:
            raise NotFoundError("revision that served before", self.name)
        return found

    def _ask(self, wanted: Literal["promote", "abort"], why: str) -> Self:
        self.workspace.backend.services.ask(self.name, RolloutAsk(wanted=wanted, by=author(), why=why))
        ensure_runner(self.workspace)
        return self.refresh()
