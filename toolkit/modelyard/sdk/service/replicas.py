"""The running copies of a service's revisions: started, looked at, ended.

Each has a number that never comes again and a place of that number, and is written down before anything of it is
there: so what a killed runner left is found and removed, and one that wakes up late only touches its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress

from msgspec.structs import replace

from modelyard.errors import DigestMismatchError, ModelyardError
from modelyard.runner.errors import LeaseLostError
from modelyard.sdk.image.content import ImageContent
from modelyard.sdk.image.image import Image
from modelyard.sdk.service.held import Held
from modelyard.sdk.service.installed import Machine
from modelyard.sdk.service.keys import server_keys
from modelyard.services.service import Placed, ReplicaInfo, Revision
from modelyard.services.target import Content, Observed, Plan, ServiceTarget, Wanted

_LOOK = 0.25
"""Seconds between two looks at the rest of the service while a replica starts."""

_log = logging.getLogger(__name__)


class Replicas:
    """The replicas of one service.

    Parameters
    ----------
    machine
        Has the targets.
    meanwhile
        Looks after the rest of the service, again and again while a replica starts, which may take long.

    Attributes
    ----------
    starting
        The revisions of which a replica is being started.
    """

    def __init__(self, held: Held, machine: Machine, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.starting: set[int] = set()
        self._held = held
        self._machine = machine
        self._meanwhile = meanwhile

    def fill(self, number: int, count: int) -> bool:
        """Have `count` replicas of a revision ready; what a cut start has left, or was retired, ends.

        Returns False where that is not wanted any more.

        Raises
        ------
        DeploymentFailedError
            If one does not become ready.
        """
        for replica in self._revision(number).replicas:
            if not replica.ready:
                self.remove(number, replica)
        while len(self._revision(number).ready) < count:
            if not self._start(number):
                return False
        return True

    def renew(self, number: int, count: int) -> bool:
        """Have `count` replicas of a revision running, also if some that were ready have ended, as by a reboot.

        Returns False where that is not wanted any more.

        Raises
        ------
        DeploymentFailedError
            If one does not become ready.
        """
        seen = self.observe(number)
        for replica in self._revision(number).ready:
            if seen[replica.number].state == "stopped":
                self.remove(number, replica)
        return self.fill(number, count)

    def observe(self, number: int) -> dict[int, Observed]:
        """Look at every replica of a revision that has been ready."""
        revision = self._revision(number)
        target = self._target(revision)
        return {one.number: target.observe(one.placed) for one in revision.ready}

    def retire(self, number: int, replicas: Sequence[ReplicaInfo]) -> None:
        """Count replicas for ready no more: the router leaves them out, and then they may end."""
        if replicas:
            revision = self._revision(number)
            kept = tuple(replace(one, ready=False) if one in replicas else one for one in revision.replicas)
            self._held.advance(revisions=[replace(revision, replicas=kept)])

    def remove(self, number: int, replica: ReplicaInfo) -> None:
        """End a replica, and remove what it had."""
        self._held.lease.check()
        self._target(self._revision(number)).remove(replica.placed)
        self._drop(number, replica.number)

    def clear(self, number: int) -> None:
        """End every replica of a revision."""
        for replica in self._revision(number).replicas:
            self.remove(number, replica)

    def _start(self, number: int) -> bool:
        held, revision = self._held, self._revision(number)
        image = Image(held.workspace, revision.image)
        if image.digest != revision.digest:
            raise DigestMismatchError(revision.image, revision.digest, image.digest)
        content, target = ImageContent(image), self._target(revision)
        plan = target.plan(self._wanted(revision, image))
        mine = ReplicaInfo(number=plan.wanted.replica, placed=plan.place)
        begun = replace(revision, started=mine.number, replicas=(*revision.replicas, mine))
        held.advance(revisions=[begun])
        try:
            placed = self._apply(number, target, plan, content)
        except BaseException:
            self._drop(number, mine.number)
            raise
        if placed is None:
            self.remove(number, mine)
            return False
        try:
            self._replace(number, replace(mine, placed=placed, ready=True))
        except LeaseLostError:  # nobody else knows that it became ready
            target.remove(placed)
            raise
        return True

    def _apply(self, number: int, target: ServiceTarget, plan: Plan, content: Content) -> Placed | None:
        """Start a replica in a thread, and look after the rest meanwhile; None if it is not wanted any more."""

        def say(text: str) -> None:
            _log.info("%s/%s: %s", self._held.name, number, text)

        self.starting.add(number)
        with ThreadPoolExecutor(1, "start") as pool:
            applied = pool.submit(target.apply, plan, content, say)
            try:
                while not wait([applied], _LOOK).done:
                    self._held.refresh()
                    if self._is_withdrawn(number):
                        _cut(applied, target, plan)
                        return None
                    self._meanwhile()
            except BaseException:
                _cut(applied, target, plan)
                raise
            finally:
                self.starting.discard(number)
            return applied.result()

    def _is_withdrawn(self, number: int) -> bool:
        held = self._held
        is_aborted = held.rollout is not None and held.rollout.revision == number and held.rollout.asked == "abort"
        return is_aborted or held.info.wanted != "running"

    def _wanted(self, revision: Revision, image: Image) -> Wanted:
        held, settings = self._held, self._held.info.settings
        return Wanted(
            workspace=held.workspace.info.id,
            service=held.name,
            revision=revision.number,
            replica=revision.started + 1,
            image=image.info,
            lock=image.lock(),
            place=held.folder / str(revision.number) / str(revision.started + 1),
            keys=server_keys(held.folder, routed=settings.routed),
            port=0 if settings.routed else settings.port,
            timeout=settings.ready_timeout,
        )

    def _revision(self, number: int) -> Revision:
        return self._held.look.revision(number)

    def _target(self, revision: Revision) -> ServiceTarget:
        return self._machine.target(revision.target)

    def _replace(self, number: int, replica: ReplicaInfo) -> None:
        revision = self._revision(number)
        others = (one for one in revision.replicas if one.number != replica.number)
        self._held.advance(revisions=[replace(revision, replicas=(*others, replica))])

    def _drop(self, number: int, replica: int) -> None:
        revision = self._revision(number)
        left = tuple(one for one in revision.replicas if one.number != replica)
        self._held.advance(revisions=[replace(revision, replicas=left)])


def _cut(applied: Future[Placed], target: ServiceTarget, plan: Plan) -> None:
    """End what is being started, whatever of it is there by now."""
    while not wait([applied], _LOOK).done:
        with suppress(ModelyardError, OSError):  # it may be about to make what is removed
            target.remove(plan.place)
    if applied.exception() is None:
        target.remove(applied.result())
