"""WSGI applications, in threads (PEP 3333)."""

from __future__ import annotations

import asyncio
import io
import logging
import re
import sys
from collections.abc import Callable, Iterable
from math import inf
from time import monotonic
from types import TracebackType
from typing import Any
from urllib.parse import unquote_to_bytes

from modelyard_scoring.answers import Answer
from modelyard_scoring.background import Background
from modelyard_scoring.engines import Placement, Request
from modelyard_scoring.engines.application.call import LEFT, Asked, Collector, Outlet, SaidBy
from modelyard_scoring.engines.application.heads import answer_head
from modelyard_scoring.errors import ApplicationFailedError, QueueFullError, RequestError, ScriptError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.stream import AnswerHead, Stream

THREADS = 8
"""How many requests each worker runs at a time, unless ``concurrency`` says otherwise."""

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
_log = logging.getLogger(__name__)
_STATUS = re.compile(r"([2-5][0-9]{2})( [^\x00-\x1f\x7f]*)?")


class WsgiHost:
    """Runs a WSGI application in a few threads; further requests wait for one of them."""

    def __init__(self, application: Application, place: Placement, said_by: SaidBy) -> None:
        code = place.service.code
        if place.loop is None or code is None:
            raise ScriptError("of the application", "has no event loop to answer from")
        self._application = application
        self._said_by = said_by
        self._loop = place.loop
        self._max_waiting = place.limits.max_queue
        self._timeout = place.limits.timeout
        self._threads = code.concurrency or THREADS
        self._calls: set[WsgiCall] = set()
        self._abandoned: RequestError | None = None

    def start(self) -> None:
        """Start the threads."""
        self._background = Background(self._loop, "application")
        self._background.grow(self._threads)

    def ask(self, asked: Asked) -> Answer:
        """Answer a request that did not come over a connection; called in a thread."""
        outlet = Collector()
        environ = wsgi_environ(asked.request, threaded=self._threads > 1)
        self._run(WsgiCall(asked.request, outlet, _call_here), environ)
        return outlet.result

    def take(self, exchange: Exchange) -> None:
        """Answer a request in one of the threads, as soon as one is free."""
        if self._abandoned is not None:
            raise self._abandoned
        if len(self._calls) >= self._threads + self._max_waiting:
            raise QueueFullError(self._max_waiting)
        call = WsgiCall(exchange, Stream(exchange, self._timeout), self._call_in_loop)
        environ = wsgi_environ(exchange, threaded=self._threads > 1) | _ends(exchange)
        self._calls.add(call)
        self._background.submit(lambda: self._run(call, environ), lambda _: self._calls.discard(call))

    def _run(self, call: WsgiCall, environ: Environ) -> None:
        with self._said_by(environ["HTTP_X_REQUEST_ID"]):
            call.run(self._application, environ)

    def stuck(self, timeout: float) -> bool:
        """Whether one of the threads has done nothing for so long that it may never end."""
        return any(call.stuck(timeout) for call in self._calls)

    def abandon(self, error: RequestError) -> None:
        """Answer with an error what no thread is left for; where one is, it goes on."""
        if sum(call.stuck(self._timeout) for call in self._calls) < self._threads:
            return
        self._abandoned = error
        for call in self._calls:
            call.abandon(error)

    async def shut_down(self, grace: float) -> None:
        """Do nothing: what an application does after its answers is over when they are."""

    def _call_in_loop(self, outlet: Outlet, head: AnswerHead | None, part: bytes, *, last: bool) -> None:
        asyncio.run_coroutine_threadsafe(_deliver(outlet, head, part, last=last), self._loop).result()


Deliver = Callable[..., None]
"""Writes to an outlet: a head, if it is not written yet, and a part, which may be the last; waits until it is out."""


class WsgiCall:
    """One request to a WSGI application."""

    def __init__(self, request: Request, outlet: Outlet, deliver: Deliver) -> None:
        self._request = request
        self._outlet = outlet
        self._deliver = deliver
        self._head: AnswerHead | None = None
        self._begun = False
        self._complete = False
        self._started = False
        self._since = inf

    def stuck(self, timeout: float) -> bool:
        """Whether the application has done nothing for so long."""
        return monotonic() - self._since > timeout

    def abandon(self, error: RequestError) -> None:
        """Answer with an error, if no thread has taken the call up."""
        if not self._started:
            self._outlet.refuse(error)

    def run(self, application: Application, environ: Environ) -> None:
        """Call the application; whatever it raises costs this request alone."""
        self._started = True
        if self._outlet.lost:  # while it waited for a thread
            return
        self._since = monotonic()
        try:
            self._respond(application, environ)
        except BaseException as error:  # noqa: BLE001 - an application may raise anything, SystemExit too
            self._fail(error)
        finally:
            self._since = inf

    def _respond(self, application: Application, environ: Environ) -> None:
        result = application(environ, self._start_response)
        try:
            single = isinstance(result, list | tuple) and len(result) == 1
            for part in result:
                if part:
                    self._write(part, last=single)
            if not self._complete:
                self._give(b"", last=True)
        finally:
            if hasattr(result, "close"):
                result.close()

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        if exc_info is not None and self._begun:
            raise exc_info[1]
        if exc_info is None and self._head is not None:
            raise RuntimeError("start_response() was called twice")
        match = _STATUS.fullmatch(status)
        if match is None:
            raise ValueError("the status is not one from 200 to 599 and a phrase")
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._head = answer_head(int(match[1]), pairs)
        return self._write

    def _write(self, part: bytes, *, last: bool = False) -> None:
        if self._complete:
            raise ValueError("the body is longer than its content-length")
        self._give(part, last=last or (self._head is not None and not self._begun and self._head.length == len(part)))

    def _give(self, part: bytes, *, last: bool) -> None:
        if self._head is None:
            raise RuntimeError("the body came before start_response()")
        if not isinstance(part, bytes):
            raise TypeError(f"a part of the body is a {type(part).__name__}, not bytes")
        if last and not self._begun:
            self._head.check(len(part), self._request.method)
        self._since = inf  # the client may take its time to read
        self._deliver(self._outlet, None if self._begun else self._head, part, last=last)
        self._since = monotonic()
        self._begun, self._complete = True, last

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, LEFT) and self._outlet.lost and not self._complete:
            _log.debug("The request %s ended without its client.", self._request.request_id, exc_info=error)
            return
        _log.error("The application failed on the request %s.", self._request.request_id, exc_info=error)
        if not self._complete:
            failed = ApplicationFailedError(type(error).__name__)
            failed.__cause__ = error
            self._deliver(self._outlet, None, failed, last=True)


async def _deliver(outlet: Outlet, head: AnswerHead | None, part: bytes | RequestError, *, last: bool) -> None:
    if isinstance(part, RequestError):
        outlet.refuse(part)
    elif head is not None and last:
        outlet.answer(head, part)
    else:
        if head is not None:
            await outlet.begin(head)
        await outlet.write(part)
        if last:
            outlet.end()


def _call_here(outlet: Outlet, head: AnswerHead | None, part: bytes | RequestError, *, last: bool) -> None:
    """Deliver to an outlet that waits for nothing, such as a `Collector`."""
    try:
        _deliver(outlet, head, part, last=last).send(None)
    except StopIteration:
        return


def wsgi_environ(request: Request, *, threaded: bool) -> Environ:
    """Describe a request as WSGI does."""
    path, _, query = request.target.partition(b"?")
    environ: Environ = {
        "REQUEST_METHOD": request.method.decode("latin-1"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "RAW_URI": request.target.decode("latin-1"),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": threaded,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        # with an underscore it could pass for one that has a dash
        if b"_" not in name and name != b"transfer-encoding":
            environ["HTTP_" + name.decode("latin-1").upper().replace("-", "_")] = value.decode("latin-1")
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ.pop("HTTP_CONTENT_LENGTH", None)
    environ["CONTENT_LENGTH"] = str(len(request.body)) if request.body else ""
    environ["HTTP_X_REQUEST_ID"] = request.request_id
    return environ


def _ends(exchange: Exchange) -> Environ:
    """Say where the request came from and arrived."""
    ends = exchange.connection.ends()
    protocol = "HTTP/1.0" if exchange.old_version else "HTTP/1.1"
    environ: Environ = {"wsgi.url_scheme": ends["scheme"], "SERVER_PROTOCOL": protocol}
    for end, names in (("server", ("SERVER_NAME", "SERVER_PORT")), ("client", ("REMOTE_ADDR", "REMOTE_PORT"))):
        if ends[end] is not None:
            environ |= zip(names, map(str, ends[end]), strict=True)
    return environ
