"""Whether a new revision is as good as the old one: a verdict on what was counted of both.

The rule, what it costs and what it cannot see are in ``docs/explanation/rollouts.md``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from modelyard.services.policy import Policy
from modelyard.services.statistics import Latencies, RevisionStatistics

Outcome = Literal["passed", "failed", "undecided"]

_SURE = 3.0
"""Standard deviations beyond which it is not chance, where a stage has the answers that it wants."""
_OBVIOUS = 6.0
"""The same before that: so far off that no more answers are needed."""
_FEWEST = 3
"""Answers that must be wrong before a stage has what it wants: fewer may be one accident."""
_FEWEST_SLOW = 20
"""The same for slow ones, of which each replica that has just begun has a few."""
_SLOW_SHARE = 0.01
"""How much larger the share of slow answers may be: what a p99 leaves out."""
_GUESS = (1, 20)
"""So many of so many are added to what the old revision did: a few good answers do not show that it never fails."""
_ENOUGH = 0.1
"""How many answers of the old revision there must be for one of the new, before it has those that a stage wants."""
_GRACE = 0.005
"""Seconds that never count: Envoy tells whole milliseconds, and a busy machine adds some."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What was found; `evidence` is plain JSON, the numbers that `reason` follows from."""

    outcome: Outcome
    reason: str
    evidence: dict[str, Any]


class _Part(Struct, frozen=True, kw_only=True):
    """Answers of one kind, `count` of `of`: their share may be `more` than the old revision's `before` of `beside`."""

    kind: str
    said: str
    count: int
    of: int
    more: float
    before: int = 0
    beside: int = 0
    fewest: int = _FEWEST
    facts: dict[str, float | None] = {}

    @property
    def share(self) -> float:
        """The share that is allowed."""
        known = (self.before + _GUESS[0]) / (self.beside + _GUESS[1]) if self.beside else 0.0
        return min(1.0, known + self.more)

    def bound(self, samples: int) -> float:
        """Give how many chance explains where the true share is the allowed one: a test of two proportions."""
        widened = 1 + self.of / (self.beside + _GUESS[1]) if self.beside else 1.0
        deviation = math.sqrt(self.of * self.share * (1 - self.share) * widened)
        if self.of >= samples:
            return self.of * self.share + _SURE * deviation
        return max(self.of * self.share + _OBVIOUS * deviation, self.fewest - 1)

    def evidence(self, samples: int) -> dict[str, float | None]:
        numbers = {name: getattr(self, name) for name in ("count", "of", "before", "beside", "share")}
        numbers |= {"bound": self.bound(samples)} | self.facts
        return {name: value if value is None else round(value, 6) for name, value in numbers.items()}

    def __str__(self) -> str:
        return f"{self.count} of {self.of} answers {self.said}"


def judge(
    old: RevisionStatistics | None, new: RevisionStatistics, policy: Policy, *, different: int | None = None
) -> Verdict:
    """Judge a revision beside the old one; what the client did wrong (4xx) is no failure.

    Parameters
    ----------
    old
        What the old revision did meanwhile, or the last time that it had requests; None if there is none. Where it
        answered too few, the new one's failures alone count.
    new
        What the new revision did since the stage began.
    different
        Where both were sent copies of the same requests: how many of the new one's answers were not the old one's.
    """
    if old is not None and old.total < min(policy.samples, new.total * _ENOUGH):
        old = None
    failed = _Part(
        kind="failed",
        said="failed",
        count=new.failed,
        of=new.total,
        more=policy.error_share,
        before=old.failed if old else 0,
        beside=old.total if old else 0,
    )
    parts = [failed, *(_slow(old.latencies, new.latencies, policy) if old else ())]
    if different is not None:
        parts.append(_Part(kind="different", said="differ", count=different, of=new.total, more=policy.differing))
    return _verdict(new.total, parts, policy)


def _slow(old: Latencies, new: Latencies, policy: Policy) -> Sequence[_Part]:
    """Count what took longer than the old p99 allows; nothing, where that is not known well enough."""
    p99 = old.quantile(0.99)
    if p99 is None or old.total < policy.samples:
        return ()
    limit = policy.slower * p99 + _GRACE
    part = _Part(
        kind="slow",
        said=f"took longer than {1000 * limit:.0f} ms",
        count=_above(new, limit),
        of=new.total,
        more=_SLOW_SHARE,
        before=_above(old, limit),
        beside=old.total,
        fewest=_FEWEST_SLOW,
        facts={"limit": limit, "p99": new.quantile(0.99), "p99_before": p99},
    )
    return (part,)


def _above(latencies: Latencies, limit: float) -> int:
    return sum(count for upper, count in latencies.counts.items() if upper > limit)


def _verdict(samples: int, parts: Sequence[_Part], policy: Policy) -> Verdict:
    wanted = policy.samples
    evidence: dict[str, Any] = {"samples": samples, "wanted": wanted}
    evidence |= {part.kind: part.evidence(wanted) for part in parts}
    for part in parts:
        if part.count > (bound := part.bound(wanted)):
            reason = f"{part}; {part.share:.2%} may, and chance explains no more than {math.floor(bound)}"
            return Verdict(outcome="failed", reason=reason, evidence=evidence)
    told = ", ".join(map(str, parts))
    if samples < wanted:
        return Verdict(outcome="undecided", reason=f"{samples} of {wanted} answers so far: {told}", evidence=evidence)
    return Verdict(outcome="passed", reason=told, evidence=evidence)
