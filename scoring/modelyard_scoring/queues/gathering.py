"""How long a run is put off for those who were just answered, and are about to ask again."""

from __future__ import annotations

_QUIET = 0.02
"""How long nobody may come, as a part of what the last run took."""
_LONGEST_QUIET = 0.002
"""Seconds of that at most: clients do not ask later because a run took longer."""
_QUIETS = 5
"""How many times as long a run is put off at most, however many come."""


class Gathering:
    """Waits after a run in a thread for the clients that it has answered.

    Most clients ask again once they are answered. Until all have got their answers and sent that, a millisecond or two
    pass. A run that began at once would take along who was quick; the others would wait for its end, and from then on
    two batches take turns, each of them smaller than one of all. Beside a run of a thread that time is short, and
    often the processor needs it anyway: to write the answers and to read the requests.
    """

    def __init__(self) -> None:
        self._wanted = 0
        self._seen = 0
        self._quiet = self._until = self._end = 0.0

    def begin(self, wanted: int, seconds: float, now: float) -> None:
        """Begin to wait for `wanted` requests, after a run that took so many seconds and ends now."""
        self._wanted = wanted
        self._seen = 0
        self._quiet = min(seconds * _QUIET, _LONGEST_QUIET)
        self._end = now + _QUIETS * self._quiet

    def goes_on(self, waiting: int, now: float) -> bool:
        """Tell whether those who wait should wait for others, until the next turn of the loop at least."""
        if waiting > self._seen:
            self._seen = waiting
            self._until = min(now + self._quiet, self._end)
        return waiting < self._wanted and now < self._until
