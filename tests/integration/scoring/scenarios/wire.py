"""One connection of a client: requests go out, also several at once, and answers come back in order."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from msgspec import Struct

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Answer(Struct, frozen=True):
    """What came back; `head` has the status line and the headers as they came."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """Give a header's value."""
        found = re.search(rb"\r\n" + name.encode() + rb": *([^\r]*)", self.head, re.IGNORECASE)
        return None if found is None else found[1].decode("latin-1")


def take(buffer: bytearray) -> Answer | None:
    """Take the first answer out of what came, if it is there whole."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    found = _LENGTH.search(buffer, 0, end)
    length = int(found[1]) if found else 0
    if len(buffer) < end + 4 + length:
        return None
    head, body = bytes(buffer[:end]), bytes(buffer[end + 4 : end + 4 + length])
    del buffer[: end + 4 + length]
    return Answer(int(head[9:12]), head, body)


class Wire(asyncio.Protocol):
    """A connection.

    Parameters
    ----------
    lost
        Is told when it has ended.
    """

    def __init__(self, lost: Callable[["Wire"], Any]) -> None:
        self.waiting: deque[asyncio.Future[Answer]] = deque()
        self.answered = 0
        self.closed = False
        self._buffer = bytearray()
        self._lost = lost

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self.waiting and (answer := take(self._buffer)) is not None:
            self.answered += 1
            if b"\r\nconnection: close" in answer.head.lower():
                self.closed = True
            future = self.waiting.popleft()
            if not future.done():
                future.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.closed = True
        self._lost(self)
        while self.waiting:
            future = self.waiting.popleft()
            if not future.done():
                future.set_exception(ConnectionResetError("closed before the answer"))

    def ask(self, data: bytes) -> asyncio.Future[Answer]:
        """Send a request; its answer comes after those to earlier ones."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        self.transport.write(data)
        return future


def post(body: bytes, path: str = "/score", extra: bytes = b"") -> bytes:
    """Write a request that scores JSON."""
    head = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
    return head % (path.encode(), extra, len(body)) + body
