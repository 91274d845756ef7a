"""What is seen of a stage while it lasts: readings of the router, and answers that are compared."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from modelyard.sdk.service.held import Held
from modelyard.sdk.service.traffic import Traffic
from modelyard.services.judging import Verdict, judge
from modelyard.services.policy import Stage
from modelyard.services.rollout import Rollout
from modelyard.services.route import Copies
from modelyard.services.statistics import Statistics

if TYPE_CHECKING:
    from modelyard.services.comparison import Comparison


_BORNE = 60.0

_log = logging.getLogger(__name__)


class Observation:
    """What one runner has seen of the stage that holds; another runner begins anew.

    Attributes
    ----------
    since
        When it began, by the clock that never goes backwards.
    current
        Where copies of requests go; None if none are made.
    """

    def __init__(self) -> None:
        self.since = 0.0
        self.current: Copies | None = None
        self._of: tuple[int, int] | None = None
        self._first: Statistics | None = None
        self._comparison: Comparison | None = None
        self._troubled = 0.0

    def is_of(self, rollout: Rollout) -> bool:
        """Say whether it is of the stage that holds."""
        return self._of == (rollout.number, rollout.stage)

    def copies(self, held: Held, traffic: Traffic, stage: Stage) -> Copies | None:
        """Have copies of requests compared, where the stage wants that, and say where they go."""
        self.close()
        rollout = held.rollout
        if stage.mirror and rollout is not None and rollout.base is not None:
            from modelyard.services.comparison import Comparison  # which brings an HTTP server

            old, new = (traffic.upstream(number) for number in (rollout.base, rollout.revision))
            self._comparison = Comparison(old, new, held.folder)
            self.current = self._comparison.copies(stage.mirror)
        return self.current

    def begin(self, rollout: Rollout, traffic: Traffic) -> None:
        """Begin with the stage that holds."""
        self._of = (rollout.number, rollout.stage)
        self._first = traffic.statistics()
        self.since = time.monotonic()

    def judge(self, rollout: Rollout, traffic: Traffic) -> Verdict:
        """Judge what was seen since the stage began."""
        if self._comparison is not None:
            self._troubled = 0.0
            self._comparison.ask(*(traffic.upstream(number) for number in (rollout.base or 0, rollout.revision)))
            found = self._comparison.read()
            verdict = judge(found.old, found.new, rollout.policy, different=found.different)
            verdict.evidence.update(skipped=found.skipped, examples=msgspec.to_builtins(found.examples))
            return verdict
        now = traffic.statistics()
        self._troubled = 0.0
        since = now - self._first if self._first is not None else now
        old = since.revisions.get(rollout.base or 0)
        if old is None or old.total < rollout.policy.samples:  # of all the time before, then
            old = now.revisions.get(rollout.base or 0)
        return judge(old, since.of(rollout.revision), rollout.policy)

    def bears(self, error: Exception) -> bool:
        """Say whether to try again after an error, such as of a router that is about to be started again.

        The stage is observed anew then. It is not borne for longer than a minute in a row.
        """
        now = time.monotonic()
        self._troubled = self._troubled or now
        self._of = None
        _log.warning("A stage is observed anew: %s", error)
        return now < self._troubled + _BORNE

    def close(self) -> None:
        """Compare no more."""
        if self._comparison is not None:
            self._comparison.close()
        self._comparison = self.current = None
