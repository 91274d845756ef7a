"""A line of the log for each request, or for as many of them as a log can bear."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import orjson

from modelyard_scoring.service.folder import ServedModel
from modelyard_scoring.settings import Settings
from modelyard_scoring.telemetry.correlation import Correlation
from modelyard_scoring.telemetry.log import LogWriter
from modelyard_scoring.telemetry.metrics import Counters

if TYPE_CHECKING:
    from modelyard_scoring.queues.batch import Run

_log = logging.getLogger(__name__)
_TELL_EVERY = 5.0  # seconds between two lines that say how many requests have none


class OfModel(Protocol):
    """What tells which model a request is for."""

    @property
    def model(self) -> str:
        """Its name; empty for none."""
        ...


class Answered(Protocol):
    """What a line says of a request."""

    request_id: str
    method: bytes
    target: bytes
    started: float
    rows: int

    @property
    def run(self) -> Run | None:
        """The run of a model that answered it."""
        ...

    @property
    def route(self) -> OfModel | None:
        """What it asked for."""
        ...

    @property
    def correlation(self) -> Correlation | None:
        """What it carried beside its id."""
        ...


class Pace:
    """How many lines may be written now, when there may be so many a second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._refilled = monotonic()
        self.left = rate

    def refill(self) -> None:
        """Add what the time since the last call allows, up to the lines of one second."""
        now = monotonic()
        self.left = min(max(1.0, self._rate), self.left + self._rate * (now - self._refilled))
        self._refilled = now


class AccessLog:
    """Writes what became of requests.

    The lines of ``all`` are all requests, those of ``errors`` all that were refused or failed. ``auto`` has all
    errors, and as many of the others as `Settings.access_log_rate` allows a second; the log says how many it lacks.
    """

    def __init__(
        self, settings: Settings, models: Sequence[ServedModel], counters: Counters, writer: LogWriter
    ) -> None:
        self._mode = settings.access_log
        self._counters = counters
        self._writer = writer
        self._pace = Pace(settings.access_log_rate / settings.workers)
        self._line = Line({model.name: model for model in models})
        self._dropped = 0
        self._left_out = 0
        self._untold = 0
        self._told = monotonic()

    def note(self, exchange: Answered, status: int, reason: str | None, seconds: float) -> None:
        """Write the line of a request, if it is to have one."""
        if status < 400 and self._mode != "all":
            if self._mode != "auto":
                return
            if self._pace.left < 1:
                self._left_out += 1
                return
            self._pace.left -= 1
        if self._mode != "off":
            self._writer.write(self._line.of(exchange, status, reason, seconds))

    def note_usual(self, exchanges: Sequence[Answered], seconds: Sequence[float]) -> None:
        """Write the lines of requests that were answered with the status 200, as far as they are to have one."""
        if self._mode == "auto" and self._pace.left < 1:
            self._left_out += len(exchanges)
            return
        for exchange, took in zip(exchanges, seconds, strict=True):
            self.note(exchange, 200, None, took)

    def tick(self) -> None:
        """Allow new lines, and count those that are missing."""
        self._pace.refill()
        self._count()
        if self._untold and monotonic() - self._told > _TELL_EVERY:
            self.tell()

    def _count(self) -> None:
        dropped = self._writer.dropped
        if self._left_out or dropped != self._dropped:
            self._counters.logged(dropped=dropped - self._dropped, left_out=self._left_out)
            self._untold += self._left_out
            self._dropped, self._left_out = dropped, 0

    def tell(self) -> None:
        """Say how many requests have no line."""
        self._count()
        if self._untold:
            _log.info("%d requests were answered that have no line here, as there were too many.", self._untold)
        self._untold, self._told = 0, monotonic()


class Line:
    """Writes the lines: text put together by hand takes less time than to write a dictionary as JSON."""

    def __init__(self, models: Mapping[str, ServedModel]) -> None:
        named = {name: orjson.dumps({"model": name, "version": model.version}) for name, model in models.items()}
        self._models = {"": b"", **{name: b"," + facts[1:-1] for name, facts in named.items()}}
        self._second = 0
        self._date = b""
        self._target = b"/"
        self._path = _path(self._target)

    def of(self, exchange: Answered, status: int, reason: str | None, seconds: float) -> bytes:
        """Write the line of a request that took `seconds`."""
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)).encode()
        if exchange.target != self._target:  # most requests are for the path of the one before
            self._target = exchange.target
            self._path = _path(self._target)
        route, run, ids = exchange.route, exchange.run, exchange.correlation
        more = b"" if route is None else self._models[route.model]
        if exchange.rows:
            more += b',"rows":%d' % exchange.rows
        if run is not None:
            queue = max(0.0, run.began - exchange.started)
            more += b',"queue_ms":%.3f,"model_ms":%.3f' % (queue * 1000, run.seconds * 1000)
        if reason is not None:
            more += b',"code":"%b"' % reason.encode()
        if ids is not None:
            more += ids.facts
        return (
            b'{"time":"%b.%06d+00:00","level":"info","text":"request","request_id":"%b","method":"%b","target":%b,'
            b'"status":%d,"ms":%.3f%b}\n'
        ) % (
            self._date,
            int(now % 1 * 1e6),
            exchange.request_id.encode(),
            exchange.method,
            self._path,
            status,
            seconds * 1000,
            more,
        )


def _path(target: bytes) -> bytes:
    """Write the path as JSON; a query is left out, as it may hold what is nobody else's business."""
    return orjson.dumps(target.partition(b"?")[0][:200].decode("latin-1"))
