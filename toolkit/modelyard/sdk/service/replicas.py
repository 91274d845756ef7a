"""The running copies of a service's revisions: started, looked at, ended.

Each has a number that never comes again and a place of that number, and is written down before anything of it is
there: so what a killed runner left is found and removed, and one that wakes up late only touches its own.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from msgspec.structs import replace

from modelyard.errors import DigestMismatchError
from modelyard.runner.errors import LeaseLostError
from modelyard.sdk.image.content import ImageContent
from modelyard.sdk.image.image import Image
from modelyard.sdk.service.held import Held
from modelyard.sdk.service.keys import server_keys
from modelyard.services.service import ReplicaInfo, Revision
from modelyard.services.target import Observed, ServiceTarget, Wanted, find_target

_log = logging.getLogger(__name__)


class Replicas:
    """The replicas of one service.

    Parameters
    ----------
    targets
        Those that were made already, by name: what one keeps open, such as its talk with an engine, outlives a step.
    """

    def __init__(self, held: Held, targets: dict[str, ServiceTarget]) -> None:
        self._held = held
        self._targets = targets

    def fill(self, number: int, count: int) -> None:
        """Have `count` replicas of a revision ready; what a cut start has left, or was retired, ends.

        Raises
        ------
        DeploymentFailedError
            If one does not become ready.
        """
        for replica in self._revision(number).replicas:
            if not replica.ready:
                self.remove(number, replica)
        while len(self._revision(number).ready) < count:
            self._start(number)

    def renew(self, number: int, count: int) -> None:
        """Have `count` replicas of a revision running, also if some that were ready have ended, as by a reboot.

        Raises
        ------
        DeploymentFailedError
            If one does not become ready.
        """
        seen = self.observe(number)
        for replica in self._revision(number).ready:
            if seen[replica.number].state == "stopped":
                self.remove(number, replica)
        self.fill(number, count)

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

    def _start(self, number: int) -> None:
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
            placed = target.apply(plan, content, lambda text: _log.info("%s/%s: %s", held.name, number, text))
        except BaseException:
            self._drop(number, mine.number)
            raise
        try:
            self._replace(number, replace(mine, placed=placed, ready=True))
        except LeaseLostError:  # nobody else knows that it became ready
            target.remove(placed)
            raise

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
        if revision.target not in self._targets:
            self._targets[revision.target] = find_target(revision.target, self._held.workspace.settings)
        return self._targets[revision.target]

    def _replace(self, number: int, replica: ReplicaInfo) -> None:
        revision = self._revision(number)
        others = (one for one in revision.replicas if one.number != replica.number)
        self._held.advance(revisions=[replace(revision, replicas=(*others, replica))])

    def _drop(self, number: int, replica: int) -> None:
        revision = self._revision(number)
        left = tuple(one for one in revision.replicas if one.number != replica)
        self._held.advance(revisions=[replace(revision, replicas=left)])
