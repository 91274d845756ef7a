"""When starting workers again is given up."""

from __future__ import annotations

from typing import Final

_FEWEST: Final = 3  # failed starts in a row, before others than the first start are given up
_PATIENCE: Final = 30.0  # seconds of failed starts, before others than the first start are given up


class FailedStarts:
    """Counts the starts that failed since the last one that did not.

    The first start is over when as many workers have served as there are. It is given up as soon as nobody serves,
    or the third start fails: who deploys a service that cannot work wants to know at once. A server that has served
    tries for longer. Its models are what they were, so that what fails is likely to pass: the memory is short, or
    somebody kills workers.
    """

    def __init__(self) -> None:
        self._served = 0
        self._count = 0
        self._since = 0.0

    def give_up(self, *, served: int, serving: int, workers: int, now: float) -> bool:
        """Count a failed start, and tell whether it was the last.

        Parameters
        ----------
        served
            How many starts have not failed so far.
        serving
            How many workers serve now.
        workers
            How many there ought to be.
        now
            Any clock's time, in seconds.
        """
        if not self._count or served != self._served:
            self._served, self._count, self._since = served, 0, now
        self._count += 1
        if served < workers:
            return not serving or self._count >= _FEWEST
        return self._count >= _FEWEST and now - self._since >= _PATIENCE
