"""HTTP/1.1 over one connection: bytes in, exchanges out, answers back in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from math import inf
from time import perf_counter
from typing import Any, cast

import httptools

from modelyard_scoring.errors import BodySizeError, NotReadyError, RequestError
from modelyard_scoring.http1.errors import HeadersError, HttpError, SlowRequestError, TargetError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.head import ONCE, HeadMeter, problem
from modelyard_scoring.http1.known import Known
from modelyard_scoring.http1.server import Server
from modelyard_scoring.http1.upgrade import head_without_offer

_log = logging.getLogger(__name__)
_MAX_TARGET = 8190
_MAX_PIPELINED = 64
_MAX_AROUND = 65_536
_BUSY = 1.0  # seconds after an answer in which the client may well ask again
_LEAST_RATE = 100.0  # bytes a second that a body has to come at
_LINGER = 2.0  # seconds to read on after an early answer, so that the client gets to read it


class Connection(asyncio.Protocol):
    """One client. Slow, oversized and malformed requests are answered and cut off."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._parser = httptools.HttpRequestParser(self)
        self._pending: deque[Exchange] = deque()
        self._current: Exchange | None = None
        self._known: Known | None = None  # the head of the request before
        self._alone: bytes | None = None  # what is being parsed, if a request may be all that is in it
        self._in_head = False
        self._head = HeadMeter(server.settings)
        self._closing = False
        self._ended = False
        self._paused = False
        self._write_paused = False
        self._write_deadline = inf
        self._deadline = inf
        self._part = "start"
        self._wire = 0
        self._body_began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._deadline = self.server.now + self.server.settings.header_timeout
        self.server.connections.add(self)
        if len(self.server.connections) > self.server.settings.max_connections:
            self._refuse(NotReadyError("as many connections as may be"))

    def data_received(self, data: bytes) -> None:
        """Parse what arrived."""
        if self._closing:
            return
        if self._current is None:
            known = self._known
            if known is None or len(data) != known.size or not data.startswith(known.head):
                known = self.server.known_heads.find(data)
            if known is not None:
                self._known = known
                self._take_known(known, data)
                return
            self._alone = data
        self._parse(data)

    def eof_received(self) -> bool:
        """Answer what is pending when the client has no more to say."""
        self._ended = True
        if self._closing:
            return False
        if self._current is not None:
            self._refuse(HttpError("it ends early"))
        for exchange in self._pending:
            if exchange.stream is not None:
                exchange.stream.over.set()
        return bool(self._pending) and self._transport.can_write_eof()  # TLS has no half-closed connections

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget requests whose client is gone."""
        self._closing = True
        self._forget_pending()
        self.server.connections.discard(self)
        self._current = None
        del self._parser  # it holds this connection, which would then live until the next collection of garbage

    def pause_writing(self) -> None:
        """Read no more while the client does not read its answers."""
        self._write_paused = True
        self._write_deadline = self.server.now + self.server.settings.body_timeout
        self._regulate()

    def resume_writing(self) -> None:
        """Read on."""
        self._write_paused = False
        self._write_deadline = inf
        self._regulate()
        self._wake_stream()

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._closing:
            return
        self._current = Exchange(self)
        self._pending.append(self._current)
        self._in_head = True
        self._head.begin()
        self._part = "head"
        self._deadline = self.server.now + self.server.settings.header_timeout

    def on_url(self, url: bytes) -> None:
        """Take a part of the path and query."""
        if self._closing or self._current is None:
            return
        self._current.target += url
        if len(self._current.target) > _MAX_TARGET:
            self._refuse(TargetError(_MAX_TARGET))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those that come after a body are only counted."""
        exchange = self._current
        if exchange is None or self._closing:
            return
        self._head.parsed(name, value)
        if not self._in_head:
            self._check_head()
            return
        name = name.lower()
        if name not in exchange.headers:
            exchange.headers[name] = value
        elif name in ONCE:
            exchange.refusal = HttpError(f"the header {name.decode('latin-1')!r} comes twice")
        else:
            exchange.headers[name] += (b"; " if name == b"cookie" else b", ") + value

    def on_headers_complete(self) -> None:
        """Find out what is asked, and whether it may be."""
        exchange = self._current
        if exchange is None or self._closing:
            return
        self._in_head = False
        self._check_head()
        if self._closing:
            return
        exchange.method = self._parser.get_method()
        if self._parser.should_upgrade():
            return
        exchange.keep_alive = self._parser.should_keep_alive()
        version = self._parser.get_http_version()
        exchange.old_version = version == "1.0"
        if (why := problem(version, exchange.headers)) is not None:
            exchange.refusal = HttpError(why)
        self.server.admit(exchange)
        self._part = "body"
        self._wire = 0
        self._body_began = self.server.now
        self._deadline = self.server.now + min(self.server.settings.header_timeout, self.server.settings.body_timeout)
        limit = self.server.limits.max_body_bytes
        if int(exchange.headers.get(b"content-length", b"0") or b"0") > limit:
            self._refuse(BodySizeError(limit))
        elif b"expect" in exchange.headers:
            self._expected(exchange)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        exchange = self._current
        if exchange is None or self._closing:
            return
        if not exchange.body:
            exchange.body = body
        else:
            if isinstance(exchange.body, bytes):
                exchange.body = bytearray(exchange.body)
            exchange.body += body
        if len(exchange.body) > self.server.limits.max_body_bytes:
            self._refuse(BodySizeError(self.server.limits.max_body_bytes))

    def on_message_complete(self) -> None:
        """Have the request answered."""
        exchange = self._current
        if exchange is None or self._closing or self._parser.should_upgrade():
            return
        self._current = None
        if self._alone is not None:
            self.server.known_heads.learn(self._alone, exchange)
            self._alone = None
        self._handle(exchange)

    def forget(self) -> None:
        """Forget what is known of the head of the request before."""
        self._known = None

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
            return
        except httptools.HttpParserCallbackError:
            _log.exception("A request could not be handled.")
            self._transport.abort()
            return
        except httptools.HttpParserError as error:
            self._refuse(HttpError(str(error)[:200]))
            return
        self._alone = None
        if self._current is not None:
            self._measure(len(data))

    def _take_known(self, known: Known, data: bytes) -> None:
        exchange = known.kind.__new__(known.kind)  # `Exchange` would give it headers of its own
        exchange.connection = self
        exchange.body = data[len(known.head) :]
        if not known.has_id:
            exchange.request_id = self.server.new_id()
        self._pending.append(exchange)
        self._handle(exchange)

    def _handle(self, exchange: Exchange) -> None:
        server = self.server
        self._part = "answer"
        self._deadline = inf
        exchange.started = perf_counter()
        exchange.deadline = server.now + exchange.timeout
        if server.stopping:
            exchange.keep_alive = False
        server.counters.began()
        server.handle(exchange)
        if len(self._pending) >= _MAX_PIPELINED:
            self._regulate()

    def write_replies(self) -> None:
        """Write the answers that are ready and whose turn it is."""
        pending = self._pending
        while pending and (reply := pending[0].reply) is not None:
            exchange = pending.popleft()
            self._transport.write(reply)
            if not exchange.keep_alive:
                self._close(early=not exchange.started)
                return
        if not pending:
            self._part, self._deadline = "idle", self.server.idle_until
            if self._ended:
                self._hang_up()
        else:
            self._wake_stream()
        if self._paused:
            self._regulate()

    def flows(self, exchange: Exchange) -> bool:
        """Whether a part of an answer may be written: it is its turn, and the client reads."""
        if self._write_paused or self._transport.is_closing():
            return False
        return bool(self._pending) and self._pending[0] is exchange

    def write_part(self, part: bytes) -> None:
        """Write a part of the first answer."""
        self._transport.write(part)

    def ends(self) -> dict[str, Any]:
        """Say who is connected to what, in the words of ASGI."""
        told = self._transport.get_extra_info
        client, server = told("peername"), told("sockname")
        return {
            "client": None if client is None else tuple(client[:2]),
            "server": None if server is None else tuple(server[:2]),
            "scheme": "http" if told("ssl_object") is None else "https",
        }

    def abort(self) -> None:
        """Close so that the client sees an error."""
        self._transport.abort()

    def check(self, now: float) -> None:
        """Cut off what takes too long."""
        for exchange in tuple(self._pending):
            if exchange.wanted and exchange.deadline <= now:
                exchange.expire()
        if self._write_deadline <= now:
            self._transport.abort()
        if self._deadline > now:
            return
        if self._closing:
            self._transport.abort()
        elif self._part in {"idle", "start"}:
            self._hang_up()
        elif self._part == "head":
            self._refuse(SlowRequestError("head", self.server.settings.header_timeout))
        else:
            self._hasten(now)

    def _hasten(self, now: float) -> None:
        """Give a body more time while it comes, and has not had all of it."""
        if self._paused:  # it is we who do not read
            self._body_began, self._wire = now, 0
        timeout, taken = self.server.settings.body_timeout, now - self._body_began
        if taken < timeout and self._wire >= _LEAST_RATE * taken:
            self._deadline = self._body_began + min(taken + 1.0, timeout)
        else:
            self._refuse(SlowRequestError("body", min(taken, timeout)))

    def stop(self) -> None:
        """Close if nothing is under way; otherwise the next answer is the last."""
        if self._pending:
            self._pending[-1].keep_alive = False
        elif self._part == "start":  # its first request may be on the way
            self._deadline = min(self._deadline, self.server.now + _LINGER)
        else:
            # a client that asks again and again learns from its next answer that it is the last
            busy_until = self._deadline - self.server.settings.idle_timeout + _BUSY
            self._deadline = min(self._deadline, busy_until)
            if self._deadline <= self.server.now:
                self._hang_up()

    def _decline(self, rest: bytes) -> None:
        """Read a request that offers another protocol as if it did not."""
        offer = self._current
        if offer is None or offer.refusal is not None or offer.method == b"CONNECT":
            self._refuse(HttpError("it offers another protocol"))
            return
        self._pending.pop()
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(head_without_offer(offer) + rest)

    def _measure(self, length: int) -> None:
        """Bound what has come of a request that is not whole: its head, and what is around the chunks of its body."""
        if self._in_head:
            self._head.fed(length)
            self._check_head()
            return
        self._wire += length
        if self._wire > _MAX_AROUND + 8 * self.server.limits.max_body_bytes:
            self._refuse(HttpError("there is too much around its chunks"))

    def _expected(self, exchange: Exchange) -> None:
        """Tell a client that waits with its body that it may send it, or why it need not; those of 1.0 do not wait."""
        if exchange.headers[b"expect"].lower() != b"100-continue" or len(self._pending) != 1:
            return
        if exchange.refusal is not None:
            self._refuse(exchange.refusal)
        elif not exchange.old_version:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _check_head(self) -> None:
        if self._head.over:
            settings = self.server.settings
            self._refuse(HeadersError(settings.max_headers, settings.max_header_bytes))

    def _refuse(self, error: RequestError) -> None:
        """Answer the request that is arriving, after those before it, and take no more."""
        if self._closing:
            return
        self._closing = True
        self._deadline = inf
        exchange = self._current
        if exchange is None:
            exchange = Exchange(self)
            self._pending.append(exchange)
        self._current = None
        exchange.keep_alive = False
        exchange.request_id = exchange.request_id or self.server.new_id()
        exchange.answer(error)

    def _close(self, *, early: bool) -> None:
        self._closing = True
        self._forget_pending()
        if early and not self._ended and self._transport.can_write_eof():
            self._transport.write_eof()
            self._deadline = self.server.now + _LINGER
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        """Close once the client has read its answers; it has a while for that."""
        self._closing = True
        self._deadline = self.server.now + self.server.settings.body_timeout
        self._transport.close()

    def _forget_pending(self) -> None:
        for exchange in self._pending:
            if exchange.wanted:
                exchange.wanted = False
                if exchange.started:
                    self.server.counters.ended()
                if exchange.stream is not None:
                    exchange.stream.wake()
        self._pending.clear()

    def _wake_stream(self) -> None:
        if self._pending and (stream := self._pending[0].stream) is not None:
            stream.wake()

    def _regulate(self) -> None:
        """Read only while answers go out and not too many are pending."""
        pause = self._write_paused or len(self._pending) >= _MAX_PIPELINED
        if pause != self._paused and not self._transport.is_closing():
            self._paused = pause
            if pause:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()
