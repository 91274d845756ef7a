"""Long work on bodies, done a little in each turn of the event loop, so that everybody else is served meanwhile."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from modelyard_scoring.errors import QueueFullError, RequestError, ServerFailedError

if TYPE_CHECKING:
    from modelyard_scoring.http1.exchange import Exchange

LARGE = 2**18
"""Bytes from which a body is worth more than one turn; less is read in about a millisecond."""

SLICE = 2**15
"""Bytes of a body that are read in one turn."""

Steps = Generator[None, None, Any]
"""Work that stops at each `yield` and goes on in the next turn; what it returns is its result."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


def at_once(steps: Generator[None, None, T]) -> T:
    """Do all steps now, of work that is known to be short."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


class Job(Struct, frozen=True):
    """A request whose body is being read.

    Parameters
    ----------
    done
        Takes the result of the steps; a `RequestError` that it raises is the answer.
    """

    exchange: Exchange
    steps: Steps
    done: Callable[[Exchange, Any], None]


class Turns:
    """Reads one large body after the other: however many there are, a turn is as long as one step.

    Parameters
    ----------
    soon
        Calls a function in the next turn: ``loop.call_soon``.
    max_waiting
        How many may wait.
    """

    def __init__(self, soon: Callable[..., Any], max_waiting: int) -> None:
        self._soon = soon
        self._max_waiting = max_waiting
        self._jobs: deque[Job] = deque()

    def add(self, job: Job) -> None:
        """Begin, once those before it are done.

        Raises
        ------
        QueueFullError
            If as many wait as may.
        """
        if len(self._jobs) >= self._max_waiting:
            raise QueueFullError(self._max_waiting)
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self._soon(self._turn)

    def _turn(self) -> None:
        job = self._jobs[0]
        if not job.exchange.wanted or _step(job):
            job.steps.close()
            self._jobs.popleft()
        if self._jobs:
            self._soon(self._turn)


def _step(job: Job) -> bool:
    """Do one step; tell whether it was the last."""
    try:
        try:
            next(job.steps)
        except StopIteration as end:
            job.done(job.exchange, end.value)
            return True
    except RequestError as error:
        job.exchange.answer(error)
    except Exception as error:  # noqa: BLE001 - the edge: a bug must not end the others' requests
        _log.exception("The request %s could not be read.", job.exchange.request_id)
        job.exchange.answer(ServerFailedError(type(error).__name__))
    else:
        return False
    return True
