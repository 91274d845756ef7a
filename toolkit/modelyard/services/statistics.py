"""What was counted of each revision; the difference of two readings is what happened between them."""

from __future__ import annotations

import math

from msgspec import Struct

from modelyard.errors import NotFoundError


class Latencies(Struct, frozen=True, kw_only=True):
    """How many answers took how long.

    Parameters
    ----------
    counts
        Answers by a time in seconds that they took at most; the router tells milliseconds apart, and from 100 of them
        on steps of a tenth.
    """

    counts: dict[float, int] = {}

    def __sub__(self, earlier: Latencies) -> Latencies:
        """Give what came since an earlier reading."""
        left = {upper: count - earlier.counts.get(upper, 0) for upper, count in self.counts.items()}
        return Latencies(counts={upper: count for upper, count in left.items() if count})

    @property
    def total(self) -> int:
        """How many answers there are."""
        return sum(self.counts.values())

    def quantile(self, share: float) -> float | None:
        """Give the seconds within which this share of the answers came; None if there are none."""
        seen, wanted = 0, max(1, math.ceil(share * self.total))
        for upper in sorted(self.counts):
            seen += self.counts[upper]
            if seen >= wanted:
                return upper
        return None


class RevisionStatistics(Struct, frozen=True, kw_only=True):
    """What was counted of one revision.

    Parameters
    ----------
    life
        Tells from what on it was counted: it is another one when the router was started anew, or the replicas changed.
    answers
        How many answers there were of each class, ``2xx`` and so on; the router's own for want of one are ``5xx``.
    retries
        How many requests were sent a second time.
    refused
        How many were refused since too many waited.
    active
        How many are under way, now.
    healthy, replicas
        How many of its replicas are ready, and how many there are, now.
    """

    life: str
    answers: dict[str, int] = {}
    retries: int = 0
    refused: int = 0
    active: int = 0
    healthy: int = 0
    replicas: int = 0
    latencies: Latencies = Latencies()

    def __sub__(self, earlier: RevisionStatistics) -> RevisionStatistics:
        """Give what came since an earlier reading; all, if it is counted from later on."""
        if self.life != earlier.life:
            return self
        return RevisionStatistics(
            life=self.life,
            answers={name: count - earlier.answers.get(name, 0) for name, count in self.answers.items()},
            retries=self.retries - earlier.retries,
            refused=self.refused - earlier.refused,
            active=self.active,
            healthy=self.healthy,
            replicas=self.replicas,
            latencies=self.latencies - earlier.latencies,
        )

    @property
    def total(self) -> int:
        """How many answers there were."""
        return sum(self.answers.values())

    @property
    def failed(self) -> int:
        """How many of them were failures of the service's (5xx)."""
        return self.answers.get("5xx", 0)


class Statistics(Struct, frozen=True, kw_only=True):
    """A reading of a service, by revision."""

    service: str
    revisions: dict[int, RevisionStatistics]

    def __sub__(self, earlier: Statistics) -> Statistics:
        """Give what came since an earlier reading."""
        before = earlier.revisions
        since = {number: now - before[number] if number in before else now for number, now in self.revisions.items()}
        return Statistics(service=self.service, revisions=since)

    def of(self, revision: int) -> RevisionStatistics:
        """Give one revision's part.

        Raises
        ------
        NotFoundError
            If the service had no such revision.
        """
        if (found := self.revisions.get(revision)) is None:
            raise NotFoundError(f"revision of {self.service}", str(revision), [str(n) for n in self.revisions])
        return found
