"""What the connections of one worker share: what is served, the limits, the keys, the counters."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from msgspec import Struct

from modelyard_scoring.answers import Writer
from modelyard_scoring.credentials.keys import Keys
from modelyard_scoring.errors import MethodError, PathError, RequestError, ServerFailedError
from modelyard_scoring.http1.content_type import ContentTypes
from modelyard_scoring.http1.errors import HttpError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.gate import Gate
from modelyard_scoring.http1.known import KnownHeads
from modelyard_scoring.http1.patience import NAMES as PATIENCE
from modelyard_scoring.http1.patience import patience
from modelyard_scoring.http1.routes import Route, Routes
from modelyard_scoring.service.folder import Limits
from modelyard_scoring.settings import Settings
from modelyard_scoring.telemetry.access_log import AccessLog, Answered
from modelyard_scoring.telemetry.correlation import NAMES as CORRELATED
from modelyard_scoring.telemetry.correlation import REQUEST_ID, Correlation
from modelyard_scoring.telemetry.metrics import Counters
from modelyard_scoring.telemetry.tracing import Tracing

if TYPE_CHECKING:
    from modelyard_scoring.http1.protocol import Connection

_log = logging.getLogger(__name__)


class Parts(Struct, frozen=True, kw_only=True):
    """What a server is made of."""

    settings: Settings
    limits: Limits
    keys: Keys | None
    gate: Gate | None
    counters: Counters
    access_log: AccessLog
    tracing: Tracing | None = None


class Server:
    """Admits requests, has them handled, and counts and logs their answers.

    Attributes
    ----------
    now
        The loop's clock as of the last `tick`: exact enough for time limits.
    idle_until
        When, on that clock, a connection is closed that has nothing to do as of the last `tick`.
    stopping
        Whether connections are to be closed after their answers.
    """

    def __init__(self, parts: Parts, loop: asyncio.AbstractEventLoop) -> None:
        self.settings = parts.settings
        self.limits = parts.limits
        self.counters = parts.counters
        self.connections: set[Connection] = set()
        self.writer = Writer()
        self.content_types = ContentTypes()
        self.known_heads = KnownHeads()
        self.stopping = False
        self.now = loop.time()
        self.idle_until = self.now + self.settings.idle_timeout
        self.routes = Routes([])
        self._keys = parts.keys
        self._gate = parts.gate
        self._access_log = parts.access_log
        self._tracing = parts.tracing
        self._answered = {name: self.counters.of(name).answered for name in self.counters.models}
        self._loop = loop
        self._prefix = os.urandom(6).hex()
        self._last_id = 0

    @property
    def keyed(self) -> bool:
        """Whether requests need a key."""
        return self._keys is not None

    def new_id(self) -> str:
        """Make an id for a request."""
        self._last_id += 1
        return f"{self._prefix}-{self._last_id:x}"

    def admit(self, exchange: Exchange) -> None:
        """Give a request its id and route; where it may not be carried out, note why."""
        headers = exchange.headers
        given = headers.get(b"x-request-id")
        if given is not None and REQUEST_ID.fullmatch(given):
            exchange.request_id = given.decode()
        else:
            exchange.request_id = self.new_id()
        if not headers.keys().isdisjoint(CORRELATED):
            exchange.correlation = Correlation.of(headers)
        try:
            exchange.timeout = self.limits.timeout
            if not headers.keys().isdisjoint(PATIENCE):
                exchange.timeout = patience(headers, self.limits.timeout)
            if exchange.refusal is None:
                exchange.route = self._route(exchange)
        except RequestError as error:
            exchange.refusal = error
        if isinstance(exchange.refusal, HttpError):  # what follows may be meant to be read otherwise
            exchange.keep_alive = False

    def _route(self, exchange: Exchange) -> Route:
        find = self.routes.find
        try:
            gate = self._gate
            route = find(exchange.method, exchange.target) if gate is None else gate.find(exchange, self.routes)
        except (PathError, MethodError):
            self._check_key(exchange)  # what is served is for those who may use it
            raise
        if route.keyed:
            self._check_key(exchange)
        return route

    def _check_key(self, exchange: Exchange) -> None:
        if self._keys is not None:
            self._keys.check(exchange.headers.get(b"authorization"), exchange.headers.get(b"x-api-key"))

    def handle(self, exchange: Exchange) -> None:
        """Carry out a request that has arrived whole."""
        if exchange.refusal is not None or exchange.route is None:
            exchange.answer(exchange.refusal or ServerFailedError("no route"))
            return
        try:
            exchange.route.handle(exchange)
        except RequestError as error:
            exchange.answer(error)
        except Exception as error:  # noqa: BLE001 - the edge: a bug must not end the others' requests
            _log.exception("The request %s could not be handled.", exchange.request_id)
            exchange.answer(ServerFailedError(type(error).__name__))

    def record(self, exchange: Answered, status: int, reason: str | None) -> None:
        """Count an answer, and log it."""
        seconds = 0.0
        if exchange.started:
            self.counters.ended()
            seconds = perf_counter() - exchange.started
        route = exchange.route
        self._answered["" if route is None else route.model](status, reason, seconds)
        self._access_log.note(exchange, status, reason, seconds)
        if self._tracing is not None:
            self._tracing.note(exchange, status, reason, seconds)

    def record_usual(self, exchanges: Sequence[Exchange]) -> None:
        """Count and log answers of one model that all have the status 200, as `record` does one by one."""
        route = exchanges[0].route
        now = perf_counter()
        seconds = [now - exchange.started for exchange in exchanges]
        self.counters.ended(len(exchanges))
        self.counters.of("" if route is None else route.model).answered_together(200, seconds)
        self._access_log.note_usual(exchanges, seconds)
        if self._tracing is not None:
            for exchange, took in zip(exchanges, seconds, strict=True):
                self._tracing.note(exchange, 200, None, took)

    def tick(self) -> None:
        """Do what is to be done a few times a second: time limits, dates, keys."""
        self.now = self._loop.time()
        self.idle_until = self.now + self.settings.idle_timeout
        self.writer.refresh()
        self._access_log.tick()
        if self._keys is not None and self._keys.refresh():
            self.known_heads.forget()
            for connection in self.connections:
                connection.forget()
        for connection in tuple(self.connections):
            connection.check(self.now)

    def stop(self) -> None:
        """Close connections as soon as their answers are written."""
        self.stopping = True
        for connection in tuple(self.connections):
            connection.stop()
