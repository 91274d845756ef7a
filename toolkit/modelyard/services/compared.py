"""What was found by sending copies of requests to two revisions."""

from __future__ import annotations

from msgspec import Struct

from modelyard.services.agreement import Difference
from modelyard.services.statistics import RevisionStatistics


class Example(Struct, frozen=True, kw_only=True):
    """A request for which the two revisions did not say the same; `request` is its method and its path."""

    request_id: str
    request: str
    difference: Difference


class Compared(Struct, frozen=True, kw_only=True):
    """What was found so far.

    Parameters
    ----------
    equal, different
        Requests that both revisions answered: with the same status and the same answer, or not.
    failed
        Requests that one of them did not answer, or not in time.
    skipped
        Requests that were not sent on since too many waited.
    examples
        Some that were different or failed, the first ones.
    old, new
        What each answered and how long it took, measured here; what was not answered is ``5xx``.
    """

    equal: int = 0
    different: int = 0
    failed: int = 0
    skipped: int = 0
    examples: tuple[Example, ...] = ()
    old: RevisionStatistics = RevisionStatistics(life="")
    new: RevisionStatistics = RevisionStatistics(life="")

    @property
    def compared(self) -> int:
        """How many requests both answered."""
        return self.equal + self.different
