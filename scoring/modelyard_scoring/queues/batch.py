"""Requests that wait for one model: those that arrived together are run together."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, perf_counter
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from modelyard_scoring.answers import Answer
from modelyard_scoring.asking import Asking
from modelyard_scoring.engines import Engine, Work
from modelyard_scoring.errors import ModelFailedError, QueueFullError, RequestError, ServerFailedError
from modelyard_scoring.queues.gathering import Gathering
from modelyard_scoring.service.folder import Limits

_log = logging.getLogger(__name__)
_WRITTEN = 2**17  # values of answers that are written in the loop, in some milliseconds
_WEIGHT = 0.1  # of the last run in the mean of the recent ones


class Caller(Asking, Protocol):
    """Whoever waits for an answer, as a queue sees it."""

    rows: int
    """How many rows it has, once it is in a queue."""
    started: float
    """When it had arrived whole, as `time.perf_counter` says."""
    run: Run | None
    """The run that answered it."""

    def answer(self, result: Answer) -> None:
        """Take the answer, or the error."""
        ...


class Waiting(Struct, frozen=True):
    """A request whose body was read."""

    caller: Caller
    work: Any


class Run(NamedTuple):
    """When a run began, as `time.perf_counter` says, and how long it took."""

    began: float
    seconds: float


Outcome = tuple[Run, list[Answer]]
Deliver = Callable[[Sequence[Caller], Sequence[Answer], Run], None]
Submit = Callable[[Callable[[], Outcome], Callable[[Outcome], None]], None]


class Lane:
    """The queue before one engine.

    `add` only appends. The first request of a turn of the event loop schedules the run, which the loop begins
    after it has read every socket that was ready; so requests are joined without waiting for one another. Only after
    a run in a thread, which takes long, the next waits for those who were just answered: see `Gathering`.

    Parameters
    ----------
    soon
        Calls a function at the end of this turn: ``loop.call_soon``.
    submit
        Runs a call in a thread and hands its result to a function in the loop; None runs it in the loop.
    ran
        Is told of each run: its rows, the seconds that the first of its requests waited, and those that it took.
    at_once
        How many runs may be under way; more than one needs `submit`.

    Attributes
    ----------
    aside
        As `submit`, for a request that has more rows than requests are joined up to, and for rows whose answers take
        long to write, while others run in the loop.
    deliver
        Gives the requests of a run their answers, those that are still wanted.
    put_off
        The engine's, if it has one: takes the body of a usual request as it is, to be read when it is run.
    recent
        The seconds that runs take of late, a mean in which each run counts more than those before it.
    """

    def __init__(
        self,
        engine: Engine,
        limits: Limits,
        *,
        soon: Callable[..., Any],
        submit: Submit | None,
        ran: Callable[[int, float, float], None],
        at_once: int = 1,
    ) -> None:
        self.engine = engine
        self._max_queue = limits.max_queue
        self._max_rows = limits.max_batch_rows
        self._in_loop = min(self._max_rows, _WRITTEN // max(1, getattr(engine, "width", 1)))
        self._soon = soon
        self._submit = submit
        self._ran = ran
        self.deliver: Deliver = one_by_one
        self._queue: deque[Waiting] = deque()
        self._free = at_once
        self._running: list[float] = []  # when each run in a thread began, the oldest first
        self._gathering = Gathering()
        self._abandoned: RequestError | None = None
        self.aside: Submit | None = None
        self.recent: float | None = None
        self.put_off: Callable[[Any], Work | None] | None = getattr(engine, "put_off", None)
        self._sizes: Callable[[Any], object] | None = getattr(engine, "sizes", None)

    def place(self, submit: Submit | None) -> None:
        """Run from now on in a thread, or in the loop; a run that is under way ends where it is."""
        self._submit = submit

    def stuck(self, timeout: float) -> bool:
        """Whether a run in the thread has taken longer than any request may."""
        return bool(self._running) and monotonic() - self._running[0] > timeout

    def abandon(self, error: RequestError) -> None:
        """Answer all that are waiting, and all to come, with an error, since no run will reach them."""
        self._abandoned = error
        while self._queue:
            waiting = self._queue.popleft()
            if waiting.caller.wanted:
                waiting.caller.answer(error)

    def add(self, caller: Caller, work: Any) -> None:
        """Put a request in the queue.

        Raises
        ------
        QueueFullError
            If as many are waiting as may.
        """
        caller.rows = work.count
        if self._abandoned is not None:
            raise self._abandoned
        if len(self._queue) >= self._max_queue:
            raise QueueFullError(self._max_queue)
        self._queue.append(Waiting(caller, work))
        if self._free:
            self._free -= 1
            self._soon(self._next)

    def _next(self) -> None:
        if self._gathering.goes_on(len(self._queue), perf_counter()):
            self._soon(self._next)
            return
        batch = self._take()
        if not batch:
            self._free += 1
            return
        submit = self._submit
        if submit is None and sum([waiting.work.count for waiting in batch]) > self._in_loop:
            submit = self.aside
        if submit is None:
            self._finish(batch, run(self.engine, batch))
        else:
            began = monotonic()
            self._running.append(began)
            submit(lambda: run(self.engine, batch), lambda outcome: self._return(began, batch, outcome))

    def _take(self) -> list[Waiting]:
        """Take what is run next; whose client is gone or whose time has passed is dropped, before the model runs."""
        batch: list[Waiting] = []
        queue, joins, most = self._queue, self.engine.joins, self._max_rows
        rows = 0
        now = monotonic()
        while queue and (joins or not batch):
            waiting = queue[0]
            more = rows + waiting.work.count
            if batch and more > most:
                break
            queue.popleft()
            caller = waiting.caller
            if caller.wanted:
                if caller.deadline > now:
                    batch.append(waiting)
                    rows = more
                else:
                    caller.expire()
        return batch if self._sizes is None or len(batch) < 2 else self._alike(self._sizes, batch)

    def _alike(self, sizes: Callable[[Any], object], batch: Sequence[Waiting]) -> list[Waiting]:
        """Keep those whose rows fit into one array with the first; the others wait for the next runs, in order."""
        wanted = sizes(batch[0].work)
        fit = [sizes(waiting.work) == wanted for waiting in batch]
        self._queue.extendleft(reversed([waiting for waiting, fits in zip(batch, fit, strict=True) if not fits]))
        return [waiting for waiting, fits in zip(batch, fit, strict=True) if fits]

    def _return(self, began: float, batch: Sequence[Waiting], outcome: Outcome) -> None:
        self._running.remove(began)
        if self.engine.joins:
            again = min(len(batch) + len(self._queue), self._max_rows)
            self._gathering.begin(again, outcome[0].seconds, perf_counter())
        self._finish(batch, outcome)

    def _finish(self, batch: Sequence[Waiting], outcome: Outcome) -> None:
        one, answers = outcome
        self.recent = one.seconds if self.recent is None else self.recent + _WEIGHT * (one.seconds - self.recent)
        rows = sum([waiting.work.count for waiting in batch])
        self._ran(rows, max(0.0, one.began - batch[0].caller.started), one.seconds)
        self.deliver([waiting.caller for waiting in batch], answers, one)
        if self._queue:
            self._soon(self._next)
        else:
            self._free += 1


def one_by_one(callers: Sequence[Caller], answers: Sequence[Answer], run: Run) -> None:
    """Answer those who still wait."""
    for caller, answer in zip(callers, answers, strict=True):
        if caller.wanted:
            caller.run = run
            give(caller, answer)


def give(caller: Caller, answer: Answer) -> None:
    """Give an answer; if that fails, the caller gets an error, and nobody else anything of it."""
    try:
        caller.answer(answer)
    except Exception as error:  # noqa: BLE001 - the edge: the others of the batch, and the queue, go on
        _log.exception("The request %s could not be answered.", caller.request_id)
        with suppress(Exception):
            caller.answer(ServerFailedError(type(error).__name__))


def run(engine: Engine, batch: Sequence[Waiting]) -> Outcome:
    """Run a batch, and take the time."""
    began = perf_counter()
    answers = _answers(engine, batch)
    return Run(began, perf_counter() - began), answers


def _answers(engine: Engine, batch: Sequence[Waiting]) -> list[Answer]:
    """Run a batch; when that fails, run each request alone, so that one does not fail the others."""
    try:
        pairs = zip(batch, engine.run([waiting.work for waiting in batch]), strict=True)
        return [answer for _, answer in pairs]
    except BaseException as error:  # noqa: BLE001 - a model or script may raise anything, SystemExit too
        if len(batch) == 1:
            return [_failure(error, batch[0].caller.request_id)]
    return [_answers(engine, [waiting])[0] for waiting in batch]


def _failure(error: BaseException, request_id: str) -> RequestError:
    if isinstance(error, RequestError) and error.__cause__ is None:
        return error
    _log.error("The request %s failed.", request_id, exc_info=error, extra={"request_id": request_id})
    return error if isinstance(error, RequestError) else ModelFailedError(type(error).__name__)
