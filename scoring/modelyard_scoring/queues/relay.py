"""Requests that are run elsewhere than in this process, by an engine that has a queue of its own."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from modelyard_scoring.answers import Answer
from modelyard_scoring.engines import RelayingEngine
from modelyard_scoring.errors import QueueFullError, RequestError
from modelyard_scoring.queues.batch import Caller, Run, give


class Relay:
    """Gives requests to an engine, and callers their answers.

    Parameters
    ----------
    ran
        Is told of each run: its rows, the seconds that the request waited, and those that the run took.
    """

    put_off = None

    def __init__(self, engine: RelayingEngine, max_queue: int, ran: Callable[[int, float, float], None]) -> None:
        self.engine = engine
        self._max_queue = max_queue
        self._ran = ran
        self._abandoned: RequestError | None = None

    def add(self, caller: Caller, work: Any) -> None:
        """Have a request run.

        Raises
        ------
        QueueFullError
            If as many are waiting as may.
        """
        caller.rows = work.count
        if self._abandoned is not None:
            raise self._abandoned
        if self.engine.waiting >= self._max_queue:
            raise QueueFullError(self._max_queue)
        self.engine.post(work, caller, self._finish)

    def stuck(self, timeout: float) -> bool:  # noqa: ARG002 - as lanes have it
        """Tell nothing: the engine ends what takes too long."""
        return False

    def abandon(self, error: RequestError) -> None:
        """Answer all that are waiting, and all to come, with an error."""
        self._abandoned = error
        self.engine.refuse(error)

    def _finish(self, caller: Caller, answer: Answer, seconds: float | None) -> None:
        if seconds is not None:
            one = Run(perf_counter() - seconds, seconds)
            self._ran(1, max(0.0, one.began - caller.started), seconds)
            caller.run = one
        if caller.wanted:
            give(caller, answer)
