"""The worker process: an event loop that accepts connections, and a thread that loads and runs models."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvloop
from gunicorn.workers.base import Worker

from modelyard_scoring.background import Background
from modelyard_scoring.command.greeting import greeting
from modelyard_scoring.endpoints import admin_routes, all_routes
from modelyard_scoring.failure import Failure
from modelyard_scoring.http1.gate import make_gate
from modelyard_scoring.http1.server import Parts
from modelyard_scoring.queues.lanes import Lanes
from modelyard_scoring.queues.startup import Loaded, load_models, placement
from modelyard_scoring.rpc.door import RpcDoor
from modelyard_scoring.rpc.parts import RpcParts
from modelyard_scoring.service.scored import scored_models
from modelyard_scoring.sockets.descriptors import allow_connections
from modelyard_scoring.sockets.doors import Doors
from modelyard_scoring.telemetry.access_log import AccessLog
from modelyard_scoring.telemetry.log import JsonHandler, LogWriter
from modelyard_scoring.telemetry.metrics import STARTED
from modelyard_scoring.telemetry.tracing import Tracing

if TYPE_CHECKING:
    from modelyard_scoring.master import Plan

_log = logging.getLogger(__name__)
LOAD_FAILED = 70
_TICK = 0.1
_GARBAGE = (20_000, 10, 10)  # requests leave no cycles behind; scripts and applications may
_LAST_WORDS = 1.0  # seconds for the end of an application after the graceful time
_BACKLOG_GRACE = 0.2  # seconds to go on accepting when stopped, so that the backlog of the socket is served


class ScoringWorker(Worker):  # type: ignore[misc] # gunicorn has no types
    """Serves until gunicorn, a failure to load, or the end of its master stops it."""

    slot: int

    def load_wsgi(self) -> None:
        """Load nothing: models are loaded while ``/live`` is already answered."""

    def init_signals(self) -> None:
        """Leave signals to the event loop."""
        for one in self.SIGNALS:
            signal.signal(one, signal.SIG_DFL)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.signal(signal.SIGWINCH, signal.SIG_IGN)

    def run(self) -> None:
        """Serve, then end the process with the status that tells the master how it went."""
        plan: Plan = self.app.plan
        allow_connections(plan.settings.max_connections)
        writer = LogWriter(2)
        for handler in logging.getLogger().handlers:
            if isinstance(handler, JsonHandler):
                handler.writer = writer
        tracing = _tracing(plan)
        status = uvloop.run(_Serving(self, plan, writer, tracing).serve())
        if tracing is not None:
            tracing.close()
        writer.flush()
        sys.stdout.flush()
        # a script's thread that never ends must not keep the process
        os._exit(status)


class _Serving:
    """One run of the worker's loop."""

    def __init__(self, worker: ScoringWorker, plan: Plan, writer: LogWriter, tracing: Tracing | None) -> None:
        self._worker = worker
        self._plan = plan
        self._counters = plan.metrics.counters(worker.slot)
        models = scored_models(plan.service)
        self._tracing = tracing
        self._access_log = AccessLog(plan.settings, models, self._counters, writer)
        self._status = 0
        self._quickly = False
        self._ready = False
        self._backlog_grace = _BACKLOG_GRACE

    async def serve(self) -> int:
        """Serve until stopped; return the exit status."""
        self._loop = loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        for one in (signal.SIGINT, signal.SIGQUIT, signal.SIGABRT):
            loop.add_signal_handler(one, self._stop_quickly)
        settings = self._plan.settings
        parts = Parts(
            settings=settings,
            limits=self._plan.service.limits,
            keys=self._plan.keys,
            gate=make_gate(settings, settings.host, keyed=self._plan.keys is not None),
            counters=self._counters,
            access_log=self._access_log,
            tracing=self._tracing,
        )
        sockets = [listener.sock for listener in self._worker.sockets]
        self._doors = Doors(parts, sockets, self._plan.certificates, loop)
        self._server = self._doors.main
        self._lanes = Lanes(self._plan.service, self._plan.metrics, self._server)
        self._server.routes = all_routes(self._plan.service, self._plan.metrics, self._server, self._lanes)
        if self._doors.admin is not None:
            self._doors.admin.routes = admin_routes(self._plan.service, self._plan.metrics, self._server)
        calls = RpcParts(
            service=self._plan.service,
            server=self._server,
            lanes=self._lanes,
            keys=self._plan.keys,
            certificates=self._plan.certificates,
        )
        self._rpc = RpcDoor(self._plan.reserved, calls)
        self._thread = Background(loop, "model")
        self._thread.submit(self._load, self._loaded)
        await self._tick_until_stopped()
        await self._await_successor()
        await self._drain()
        return self._status

    async def _tick_until_stopped(self) -> None:
        while not self._stopped.is_set():
            self._worker.notify()
            self._doors.tick()
            self._lanes.reconsider()
            await self._doors.adjust(accepting=self._should_accept())
            if os.getppid() != self._worker.ppid:
                _log.error("The master is gone.")
                self._stop()
            if self._lanes.give_up_if_stuck():
                _log.error("A run has passed the time limit and goes on; this worker is replaced.")
                self._backlog_grace = 0.0
                self._stop()
            try:
                await asyncio.wait_for(self._stopped.wait(), _TICK)
            except TimeoutError:
                continue

    def _should_accept(self) -> bool:
        """Tell whether to take new connections: while it can score, and where no other worker answers probes.

        A worker whose script has no process for longer than a moment leaves them to the others, if there are any.
        """
        if not self._ready:
            return not self._plan.inherited and not self._plan.metrics.serving()
        phase = "serving" if self._lanes.able() else "restarting"
        if phase != self._counters.phase:
            self._enter(phase)
            _log.info("The phase %s begins.", phase)
        return phase == "serving" or not self._plan.metrics.serving()

    async def _await_successor(self) -> None:
        """After a reload, go on until a worker of the new generation serves."""
        end = asyncio.get_running_loop().time() + self._plan.settings.graceful_timeout
        metrics, own = self._plan.metrics, self._counters.generation
        while own < metrics.generation and not self._quickly and self._ready:
            if metrics.serving(own + 1) or self._server.now > end:
                break
            self._worker.notify()
            self._doors.tick()
            await asyncio.sleep(_TICK)

    async def _drain(self) -> None:
        """Answer what was accepted, then close; give up after the graceful time."""
        if self._counters.phase in STARTED:  # of a worker that never served, the master wants to know how far it got
            self._counters.phase = "stopping"
        if self._quickly:
            return
        loop = asyncio.get_running_loop()
        end = loop.time() + self._plan.settings.graceful_timeout
        self._server.stopping = True
        self._rpc.stopping()
        await asyncio.sleep(min(self._backlog_grace, self._plan.settings.graceful_timeout))
        if self._backlog_grace:
            await self._doors.shut()
        else:  # who waits to be accepted is left to the worker that follows
            await self._doors.adjust(accepting=False)
        self._doors.stop()
        calls = asyncio.ensure_future(self._rpc.close(end - loop.time()))
        await self._tick_while(lambda: bool(self._doors.connections or not calls.done()) and loop.time() < end)
        closing = asyncio.ensure_future(self._lanes.shut_down(end - loop.time()))
        await self._tick_while(lambda: not closing.done() and loop.time() < end + _LAST_WORDS)
        self._access_log.tell()

    async def _tick_while(self, goes_on: Callable[[], bool]) -> None:
        while goes_on() and not self._quickly:
            self._worker.notify()
            self._doors.tick()
            await asyncio.sleep(0.02)

    def _load(self) -> list[Loaded] | Failure:
        plan = self._plan
        try:
            self._rpc.load()
            place = placement(plan.settings, plan.service, self._loop)
            return load_models(place, scored_models(plan.service), self._enter)
        except BaseException as error:  # noqa: BLE001 - a script may raise anything, SystemExit too
            return Failure.of(self._counters.phase, error, plan.settings.folder)

    def _enter(self, phase: str) -> None:
        self._counters.phase = phase

    def _loaded(self, result: list[Loaded] | Failure) -> None:
        if isinstance(result, Failure):
            self._fail(result)
            return
        self._lanes.open(result, self._thread, asyncio.get_running_loop())
        if self._stopped.is_set():  # while it loaded: only those who wait for it are answered
            self._lanes.handle_held()
        else:
            self._opening = asyncio.ensure_future(self._begin())

    async def _begin(self) -> None:
        """Be ready, at all doors at once."""
        try:
            await self._rpc.open()
        except (RuntimeError, OSError) as error:  # so grpc says that it cannot listen
            self._fail(Failure.of("listen", error))
            return
        self._ready = True
        # nothing that was loaded is garbage: looking through it again and again would take time from requests
        gc.freeze()
        gc.set_threshold(*_GARBAGE)
        first = not self._plan.metrics.serving() and not self._counters.generation
        self._counters.served()
        self._enter("serving")
        _log.info("The phase serving begins.")
        if first and sys.stderr.isatty():
            port = self._worker.sockets[0].sock.getsockname()[1]
            sys.stderr.write(greeting(self._plan.settings, self._plan.service, port))
            sys.stderr.flush()
        self._lanes.handle_held()

    def _fail(self, failure: Failure) -> None:
        failure.log()
        failure.write(self._plan.settings.failure_file)
        self._status = LOAD_FAILED
        self._quickly = True
        self._stopped.set()

    def _stop(self) -> None:
        self._stopped.set()

    def _stop_quickly(self) -> None:
        self._quickly = True
        self._stopped.set()


def _tracing(plan: Plan) -> Tracing | None:
    if plan.settings.trace_endpoint is None:
        return None
    versions = {model.name: model.version for model in scored_models(plan.service)}
    return Tracing(plan.settings.trace_endpoint, plan.service.name, versions)
