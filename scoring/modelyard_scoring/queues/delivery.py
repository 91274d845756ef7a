"""The answers of one run, given to all of its requests together."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard_scoring.answers import Answer
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.server import Server
from modelyard_scoring.queues.batch import Caller, Run, give


class Delivery:
    """Answers the requests of a run.

    Nearly all are answered alike: with JSON, on a connection that goes on. These are written, counted and logged
    together, which takes a third of the time that `Exchange.answer` takes for each.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    def __call__(self, callers: Sequence[Caller], results: Sequence[Answer], run: Run) -> None:
        """Answer those who still wait."""
        write = self._server.writer.json
        usual: list[Exchange] = []
        for caller, result in zip(callers, results, strict=True):
            if not caller.wanted:
                continue
            caller.run = run
            if isinstance(caller, Exchange) and caller.usual and caller.keep_alive and type(result) is bytes:
                caller.reply = write(result, caller.request_id)
                caller.wanted = False
                usual.append(caller)
            else:
                give(caller, result)
        if usual:
            self._server.record_usual(usual)
        for exchange in usual:
            exchange.connection.write_replies()
