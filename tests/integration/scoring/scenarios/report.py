"""What came of each request, and what may be said about all of them: nothing, when there are too few."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median

from msgspec import Struct

CUT_OFF = 0
"""The status of a request whose connection ended before its answer, or that had none for half a minute."""
GAVE_UP = -1
"""The status of a request whose client did not wait for the answer."""
REFUSED = -2
"""The status of a request for which no connection could be made."""


class Record(Struct, frozen=True, kw_only=True):
    """One request. Times are seconds since the traffic began.

    Parameters
    ----------
    due
        When it was to be sent: latency counts from here, so that a server that stalls its clients cannot hide it.
    sent
        When it was sent.
    right
        Whether the answer is the one to this request.
    retried
        Whether it was sent a second time, since the kept connection had been closed before the first.
    """

    due: float
    sent: float
    ended: float
    status: int
    phase: str
    right: bool
    polite: bool = True
    retried: bool = False


class TooFewSamplesError(AssertionError):
    """A claim about requests that were hardly made."""

    def __init__(self, what: str, wanted: int, got: int) -> None:
        super().__init__(f"{what}: {got} requests say nothing; at least {wanted} are needed")


class Report:
    """The records of all requests, or of a part of them."""

    def __init__(self, records: Sequence[Record], what: str = "all") -> None:
        self.records = tuple(records)
        self.what = what

    def __str__(self) -> str:
        return f"{self.what}: {len(self.records)} requests, {dict(self.statuses)}"

    @property
    def statuses(self) -> Counter[int]:
        """How many requests had which status."""
        return Counter(record.status for record in self.records)

    def phase(self, *names: str) -> Report:
        """Give the requests that were due in one of these phases."""
        return Report([record for record in self.records if record.phase in names], " or ".join(names))

    def of(self, *statuses: int) -> Report:
        """Give the requests that had one of these statuses."""
        return Report([record for record in self.records if record.status in statuses], f"{self.what}, {statuses}")

    def rate(self) -> float:
        """Give how many of these a second were due."""
        self.assert_min_samples(2)
        dues = [record.due for record in self.records]
        return (len(dues) - 1) / (max(dues) - min(dues))

    def latency(self, quantile: float, *, since: str = "due") -> float:
        """Give a quantile of the seconds that answers took, since they were due or sent."""
        self.assert_min_samples(math.ceil(1 / (1 - quantile)) if quantile < 1 else 1)
        times = sorted(record.ended - getattr(record, since) for record in self.records)
        return times[min(len(times) - 1, int(len(times) * quantile))]

    def typical(self, quantile: float, window: float) -> float:
        """Give the median of a quantile of each `window` seconds: a moment in which the machine stood still is one."""
        windows: dict[int, list[Record]] = {}
        for record in self.records:
            windows.setdefault(int(record.due / window), []).append(record)
        enough = [part for part in windows.values() if len(part) >= 0.5 * max(map(len, windows.values()))]
        return median(Report(part, self.what).latency(quantile) for part in enough)

    def assert_min_samples(self, count: int) -> Report:
        """Refuse to say anything about fewer than `count` requests."""
        if len(self.records) < count:
            raise TooFewSamplesError(self.what, count, len(self.records))
        return self

    def assert_right(self) -> Report:
        """Say that no answer was another's, and that nothing but 200 came with a score."""
        self.assert_min_samples(1)
        wrong = [record for record in self.records if record.status > 0 and not record.right]
        assert not wrong, f"{self}: {len(wrong)} wrong answers, the first {wrong[:3]}"
        return self

    def assert_only(self, *statuses: int) -> Report:
        """Say that every request had one of these statuses."""
        self.assert_min_samples(1)
        others = [record for record in self.records if record.status not in statuses]
        assert not others, f"{self}: {len(others)} others than {statuses}, the first {others[:3]}"
        return self

    def assert_none(self) -> None:
        """Say that there is no such request; of the whole that this is a part of there must have been enough."""
        assert not self.records, f"{self}, the first {self.records[:3]}"

    def assert_all_answered(self) -> Report:
        """Say that every request was answered 200, and with its own answer."""
        return self.assert_only(200).assert_right()
