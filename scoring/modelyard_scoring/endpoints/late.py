"""What is imported only when the first request comes that needs it: in a thread, so that nobody else waits for it."""

from __future__ import annotations

import asyncio

from modelyard_scoring.background import Background
from modelyard_scoring.errors import QueueFullError
from modelyard_scoring.formats import arrow
from modelyard_scoring.http1.exchange import Exchange

_MARK = b"vnd.apache.arrow"


class LateArrow:
    """Holds the requests that need pyarrow until it is there; from then on, none.

    Parameters
    ----------
    max_waiting
        How many may wait.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting: list[Exchange] | None = [] if arrow.installed() else None

    def holds(self, exchange: Exchange) -> bool:
        """Tell whether a request has to wait; it is carried out by itself then.

        Raises
        ------
        QueueFullError
            If as many wait as may.
        """
        if self._waiting is None or not _needs_arrow(exchange):
            return False
        if len(self._waiting) >= self._max_waiting:
            raise QueueFullError(self._max_waiting)
        self._waiting.append(exchange)
        if len(self._waiting) == 1:
            Background(asyncio.get_running_loop(), "import").submit(arrow.prepare, self._go_on)
        return True

    def _go_on(self, _: None) -> None:
        waiting, self._waiting = self._waiting or [], None
        for exchange in waiting:
            if exchange.wanted:
                exchange.connection.server.handle(exchange)


def _needs_arrow(exchange: Exchange) -> bool:
    headers = exchange.headers
    return any(_MARK in headers.get(name, b"").lower() for name in (b"content-type", b"accept"))
