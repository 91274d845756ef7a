"""ASGI applications, on the worker's own event loop (https://asgi.readthedocs.io, version 3)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any
from urllib.parse import unquote_to_bytes

from modelyard_scoring.answers import Answer
from modelyard_scoring.engines import Placement, Request
from modelyard_scoring.engines.application.call import LEFT, Asked, Collector, Outlet, SaidBy
from modelyard_scoring.engines.application.heads import answer_head
from modelyard_scoring.engines.application.lifespan import Lifespan
from modelyard_scoring.errors import ApplicationFailedError, QueueFullError, RequestError, ScriptError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.stream import AnswerHead, Stream

Message = dict[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
_log = logging.getLogger(__name__)
# With 2.3, frameworks listen for `http.disconnect` while they stream; with 2.4 they would wait for the next part.
VERSIONS = {"version": "3.0", "spec_version": "2.3"}


class AsgiHost:
    """Runs an ASGI application: a task for each request."""

    def __init__(self, application: Application, place: Placement, said_by: SaidBy) -> None:
        if place.loop is None:
            raise ScriptError("of the application", "has no event loop to run in")
        self._application = application
        self._said_by = said_by
        self._loop = place.loop
        self._max_calls = place.limits.max_queue
        self._timeout = place.limits.timeout
        self._calls: set[AsgiCall] = set()
        self._state: Message = {}
        self._lifespan = Lifespan(application, self._state)

    def start(self) -> None:
        """Have the application start up; called in a thread."""
        asyncio.run_coroutine_threadsafe(self._lifespan.start(), self._loop).result()

    def ask(self, asked: Asked) -> Answer:
        """Answer a request that did not come over a connection; called in a thread."""

        async def answer() -> Answer:
            outlet = Collector()
            call = AsgiCall(asked.request, outlet)
            await self._run(call, asked.request, http_scope(asked.request, self._state))
            return outlet.result

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(self._timeout)

    def take(self, exchange: Exchange) -> None:
        """Answer a request in a task of its own."""
        if len(self._calls) >= self._max_calls:
            raise QueueFullError(self._max_calls)
        stream = Stream(exchange, self._timeout)
        call = AsgiCall(exchange, stream)
        scope = http_scope(exchange, self._state) | exchange.connection.ends()
        if exchange.old_version:
            scope["http_version"] = "1.0"
        call.task = self._loop.create_task(self._run(call, exchange, scope))
        stream.cancel = call.task.cancel
        self._calls.add(call)
        call.task.add_done_callback(lambda _: self._calls.discard(call))

    async def _run(self, call: AsgiCall, request: Request, scope: Message) -> None:
        with self._said_by(request.request_id):
            await call.run(self._application, scope)

    def stuck(self, timeout: float) -> bool:
        """End what goes on without a client longer than any request may; nothing blocks the others."""
        for call in tuple(self._calls):
            if call.forgotten(timeout) and call.task is not None:
                call.task.cancel()
        return False

    def abandon(self, error: RequestError) -> None:
        """Do nothing: no request waits for another."""

    async def shut_down(self, grace: float) -> None:
        """Wait for what goes on after the answers, then have the application shut down."""
        tasks = [call.task for call in self._calls if call.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, grace))
        await self._lifespan.stop()


class AsgiCall:
    """One request to an ASGI application."""

    def __init__(self, request: Request, outlet: Outlet) -> None:
        self.task: asyncio.Task[None] | None = None
        self._request = request
        self._outlet = outlet
        self._given = False
        self._complete = False
        self._head: AnswerHead | None = None
        self._began = monotonic()

    def forgotten(self, timeout: float) -> bool:
        """Whether the client was gone before the answer was complete, and its time has passed."""
        return self._outlet.lost and not self._complete and monotonic() - self._began > timeout

    async def run(self, application: Application, scope: Message) -> None:
        """Call the application; whatever it raises costs this request alone."""
        try:
            await application(scope, self._receive, self._send)
        except asyncio.CancelledError as error:
            self._fail(error)
        except BaseException as error:  # noqa: BLE001 - an application may raise anything, SystemExit too
            self._fail(error)
        else:
            if not self._complete and self._outlet.over.is_set():
                self._outlet.leave()
            elif not self._complete:
                self._fail(RuntimeError("the application ended before its answer was complete"))
        finally:
            self._outlet.over.set()

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, LEFT) and self._outlet.over.is_set() and not self._complete:
            _log.debug("The request %s ended without its client.", self._request.request_id, exc_info=error)
            self._outlet.leave()
            return
        _log.error("The application failed on the request %s.", self._request.request_id, exc_info=error)
        if not self._complete:
            failed = ApplicationFailedError(type(error).__name__)
            failed.__cause__ = error
            self._outlet.refuse(failed)

    async def _receive(self) -> Message:
        if not self._given:
            self._given = True
            return {"type": "http.request", "body": bytes(self._request.body), "more_body": False}
        await self._outlet.over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start" and self._head is None:
            self._head = answer_head(message["status"], message.get("headers", ()))
        elif kind == "http.response.body" and self._head is not None and not self._complete:
            await self._send_body(self._head, bytes(message.get("body", b"")), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"an application may not send {kind!r} now")

    async def _send_body(self, head: AnswerHead, body: bytes, *, more: bool) -> None:
        outlet = self._outlet
        if outlet.lost:
            self._complete = not more
            if more:  # it could go on for ever
                raise ConnectionResetError("the client is gone")
        elif outlet.begun or more:
            if not outlet.begun:
                await outlet.begin(head)
            await outlet.write(body)
            if not more:
                outlet.end()
                self._complete = True
        else:
            head.check(len(body), self._request.method)
            self._complete = True
            outlet.answer(head, body)


def http_scope(request: Request, state: Message) -> Message:
    """Describe a request as ASGI does."""
    path, _, query = request.target.partition(b"?")
    headers = [(name, value) for name, value in request.headers.items() if name != b"x-request-id"]
    headers.append((b"x-request-id", request.request_id.encode()))
    return {
        "type": "http",
        "asgi": VERSIONS.copy(),
        "http_version": "1.1",
        "method": request.method.decode("latin-1"),
        "scheme": "http",
        "path": unquote_to_bytes(path).decode("utf-8", "replace"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": None,
        "server": None,
        "state": state.copy(),
    }
