"""An answer that is written part by part, at the pace at which its client reads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus

from msgspec import Struct

from modelyard_scoring.errors import DeadlineError, RequestError
from modelyard_scoring.http1.exchange import Exchange

_log = logging.getLogger(__name__)
_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class AnswerHead(Struct, frozen=True, kw_only=True):
    """Status and headers of an answer.

    Parameters
    ----------
    lines
        Whole header lines, each with its line end; none that says how the body is framed.
    length
        The bytes of the body, if they were said beforehand.
    close
        Whether the connection is to be closed afterwards.
    """

    status: int
    lines: bytes = b""
    length: int | None = None
    close: bool = False

    def check(self, length: int, method: bytes) -> None:
        """See that a whole body is as long as was said.

        Raises
        ------
        ValueError
            If it is not.
        """
        silent = method == b"HEAD" or self.status in _BODILESS
        if self.length not in {None, length} and not silent:
            raise ValueError(f"the body has {length} bytes, but its content-length is {self.length}")


class Stream:
    """Answers one exchange, in one piece or in parts.

    Each part must follow within the limit ``timeout``; the time that the client takes to read is not counted.

    Attributes
    ----------
    begun
        Whether the head is written.
    ended
        Whether the answer is complete, was given otherwise, or has lost its client.
    over
        Is set when the answer has ended, or its client will send no more: most such clients are gone.
    cancel
        Is called when the time limit has passed.
    """

    def __init__(self, exchange: Exchange, timeout: float) -> None:
        self.begun = False
        self.ended = False
        self.over = asyncio.Event()
        self.cancel: Callable[[], object] = bool
        self._exchange = exchange
        self._timeout = timeout
        self._moved = asyncio.Event()
        self._status = 0
        self._left: int | None = None
        self._chunked = False
        self._silent = exchange.method == b"HEAD"
        exchange.stream = self

    @property
    def lost(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.ended or not self._exchange.wanted

    def answer(self, head: AnswerHead, body: bytes) -> None:
        """Answer in one piece."""
        if self.lost:
            return
        self._silent = self._silent or head.status in _BODILESS
        length = len(body) if head.length is None else head.length
        lines = head.lines
        if head.status != HTTPStatus.NO_CONTENT and (length or not self._silent):
            lines += b"content-length: %d\r\n" % length
        data = self._head(head, lines)
        self._end(data if self._silent else data + body)

    def refuse(self, error: RequestError) -> None:
        """Answer with an error; after the head is written, break the answer off."""
        if self.lost:
            return
        if self.begun:
            self._break_off(error.code)
            return
        self.ended = True
        self._exchange.answer(error)
        self.wake()

    def leave(self) -> None:
        """Give the answer up, as its client seems to have done."""
        if not self.lost:
            self._exchange.connection.abort()

    async def begin(self, head: AnswerHead) -> None:
        """Write the head once the answers to earlier requests are out."""
        self.begun = True
        self._silent = self._silent or head.status in _BODILESS
        self._left = head.length
        lines = head.lines
        if head.status == HTTPStatus.NO_CONTENT:
            pass
        elif head.length is not None:
            lines += b"content-length: %d\r\n" % head.length
        elif self._exchange.old_version:
            self._exchange.keep_alive = False
        elif not self._silent:
            self._chunked = True
            lines += b"transfer-encoding: chunked\r\n"
        await self._flow()
        if not self.lost:
            self._exchange.connection.write_part(self._head(head, lines))

    async def write(self, part: bytes) -> None:
        """Write a part once the client has read most of those before it.

        Raises
        ------
        ConnectionResetError
            If the client is gone.
        ValueError
            If there is more than the length that was said.
        """
        if self._left is not None and not self._silent:
            if len(part) > self._left:
                raise ValueError(f"the body is {len(part) - self._left} bytes longer than its content-length")
            self._left -= len(part)
        await self._flow()
        if self.lost:
            raise ConnectionResetError("the client is gone")
        if part and not self._silent:
            self._exchange.connection.write_part(b"%x\r\n%b\r\n" % (len(part), part) if self._chunked else part)
        await asyncio.sleep(0)  # the others' turn, also where a client takes all that it gets

    def end(self) -> None:
        """End the answer.

        Raises
        ------
        ValueError
            If there was less than the length that was said.
        """
        if self.lost:
            return
        if self._left and not self._silent:
            raise ValueError(f"the body is {self._left} bytes shorter than its content-length")
        self._end(b"0\r\n\r\n" if self._chunked else b"")

    def expire(self) -> None:
        """End the request because its time has passed."""
        self.refuse(DeadlineError(self._timeout if self.begun else self._exchange.timeout))
        self.cancel()

    def wake(self) -> None:
        """Go on after the client has read, has left, or the answers before this one are out."""
        if self.lost:
            self.over.set()
        self._moved.set()

    async def _flow(self) -> None:
        """Wait until bytes may be written; the time limit of the request does not run meanwhile."""
        exchange = self._exchange
        while not self.lost and not exchange.connection.flows(exchange):
            exchange.deadline = float("inf")
            self._moved.clear()
            await self._moved.wait()
        exchange.deadline = exchange.connection.server.now + self._timeout

    def _head(self, head: AnswerHead, lines: bytes) -> bytes:
        exchange = self._exchange
        self._status = head.status
        if head.close:
            exchange.keep_alive = False
        if not exchange.keep_alive:
            lines += b"connection: close\r\n"
        elif exchange.old_version:
            lines += b"connection: keep-alive\r\n"
        if exchange.cors and b"access-control-allow-origin:" not in lines:  # an application may say it itself
            lines += exchange.cors
        ms_request_id = b""
        if exchange.correlation is not None:
            lines += exchange.correlation.lines
            ms_request_id = exchange.correlation.ms_request_id
        writer = exchange.connection.server.writer
        return writer.bare_head(head.status, exchange.request_id.encode(), lines, ms_request_id)

    def _end(self, last: bytes, reason: str | None = None) -> None:
        exchange, self.ended = self._exchange, True
        exchange.reply = last
        exchange.wanted = False
        exchange.connection.server.record(exchange, self._status, reason)
        exchange.connection.write_replies()
        self.wake()

    def _break_off(self, reason: str) -> None:
        """Close the connection, so that the client sees that the rest of the answer is missing."""
        _log.error("The answer to the request %s was broken off: %s.", self._exchange.request_id, reason)
        framed = self._chunked or self._left is not None or self._silent
        self._exchange.keep_alive = False
        if not framed:  # an orderly end would look like the end of the answer
            self._exchange.connection.abort()
        self._end(b"", reason)
