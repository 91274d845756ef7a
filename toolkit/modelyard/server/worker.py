"""The worker of the server: gunicorn's threads, which wait a moment for a client's next request."""

from __future__ import annotations

import select
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

_MOMENT = 5
"""Milliseconds that a thread waits for the next request on its connection."""


class LingeringWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed
    """Threads that stay with a connection while its client goes on asking.

    gunicorn hands a connection back to the thread that polls after each request; for a training loop, whose next
    request comes at once, that costs more than the request. A thread only stays where there are enough for all.
    """

    def handle(self, conn: Any) -> Any:
        """Handle the requests on a connection, until none comes for a moment."""
        result = super().handle(conn)
        while result is True and self._has_time() and _comes(conn):
            result = super().handle(conn)
        return result

    def _has_time(self) -> bool:
        return bool(self.alive) and self.nr_conns <= self.cfg.threads


def _comes(conn: Any) -> bool:
    """Say whether something comes within a moment: a request, or the client's end of it."""
    waiting = select.poll()
    waiting.register(conn.sock, select.POLLIN)
    return bool(waiting.poll(_MOMENT))
