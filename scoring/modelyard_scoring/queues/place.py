"""Where a model runs: in the event loop, or in a thread of its own while the loop reads on."""

from __future__ import annotations

from modelyard_scoring.background import Background
from modelyard_scoring.queues.batch import Lane
from modelyard_scoring.queues.startup import LONG
from modelyard_scoring.telemetry.metrics import ModelCounters

_SHORT = LONG / 4
"""Seconds of a run below which a model comes back into the loop: far enough below `LONG` that it stays there."""


class Place:
    """Decides anew where a model runs, by what its runs take of late.

    In the loop a run costs least, and the requests of one turn are joined; but while it lasts nothing else is
    answered. With a thread the loop reads on, and what arrives meanwhile is the next batch.
    """

    def __init__(self, lane: Lane, threads: Background, counters: ModelCounters, *, in_thread: bool) -> None:
        self._lane = lane
        self._threads = threads
        self._counters = counters
        self.in_thread = in_thread

    def reconsider(self) -> None:
        """Move the model if its recent runs were long for the loop, or short for a thread."""
        recent = self._lane.recent
        if recent is None:
            return
        if recent > LONG and not self.in_thread:
            self.in_thread = True
            self._lane.place(self._threads.submit)
        elif recent < _SHORT and self.in_thread:
            self.in_thread = False
            self._lane.place(None)
        self.note(recent)

    def note(self, seconds: float | None) -> None:
        """Tell the metrics where the model runs, and what a run takes."""
        self._counters.placed(in_thread=self.in_thread, seconds=seconds)
