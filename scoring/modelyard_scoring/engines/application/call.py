"""One request to an application, and where its answer goes."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from msgspec import Struct

from modelyard_scoring.answers import Answer, Reply
from modelyard_scoring.engines import Request
from modelyard_scoring.errors import RequestError, ServerFailedError
from modelyard_scoring.http1.stream import AnswerHead
from modelyard_scoring.scripts.output import Output
from modelyard_scoring.telemetry.log import JsonHandler

_KIND = re.compile(rb"^content-type: (.*)\r\n", re.MULTILINE)


LEFT = (OSError, asyncio.CancelledError)
"""What an application raises, or lets pass, when its client has left."""


class Asked(Struct, frozen=True):
    """A request that an application is to answer at once."""

    request: Request
    count: int = 1


SaidBy = Callable[[str], AbstractContextManager[None]]
"""Makes what is printed and logged within it lines of the log that carry the id of a request."""


def said_by() -> SaidBy:
    """Have what the application prints go to the log, if this process writes one."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, JsonHandler) and handler.writer is not None:
            return Output(handler.writer, handler).of
    return lambda _: nullcontext()


class Outlet(Protocol):
    """Takes an answer; `Stream` is one, whose docstrings say what each of these does."""

    over: asyncio.Event
    begun: bool

    @property
    def lost(self) -> bool:  # noqa: D102 - see `Stream`
        ...

    def answer(self, head: AnswerHead, body: bytes) -> None: ...  # noqa: D102

    def refuse(self, error: RequestError) -> None: ...  # noqa: D102

    def leave(self) -> None: ...  # noqa: D102

    async def begin(self, head: AnswerHead) -> None: ...  # noqa: D102

    async def write(self, part: bytes) -> None: ...  # noqa: D102

    def end(self) -> None: ...  # noqa: D102


class Collector:
    """Keeps an answer in memory, for whoever asks without a connection."""

    lost = False

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.begun = False
        self.result: Answer = ServerFailedError("no answer")
        self._body = bytearray()

    def answer(self, head: AnswerHead, body: bytes) -> None:
        """Keep an answer that is in one piece."""
        kind = _KIND.search(head.lines)
        self.result = Reply(body=body, status=head.status, headers=head.lines, kind=kind[1] if kind else b"")

    def refuse(self, error: RequestError) -> None:
        """Keep an error."""
        self.result = error

    def leave(self) -> None:
        """Keep nothing."""

    async def begin(self, head: AnswerHead) -> None:
        """Begin an answer in parts."""
        self._head = head
        self.begun = True

    async def write(self, part: bytes) -> None:
        """Keep a part."""
        self._body += part

    def end(self) -> None:
        """End an answer in parts."""
        self.answer(self._head, bytes(self._body))
