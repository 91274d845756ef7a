"""One call, and how its errors are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Final

import grpc
from msgspec import Struct

from modelyard_scoring.answers import STATUS, Answer
from modelyard_scoring.errors import DeadlineError, RequestError
from modelyard_scoring.queues.batch import Run
from modelyard_scoring.telemetry.correlation import NAMES as CORRELATED
from modelyard_scoring.telemetry.correlation import REQUEST_ID, Correlation

_CODES: Final = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.INVALID_ARGUMENT,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class Kind(Struct, frozen=True):
    """Which model a call is for; the empty name is for none."""

    model: str


class Call:
    """A call until it is answered; it waits in a queue as requests over HTTP do.

    Attributes
    ----------
    timeout
        The seconds that it may take.
    wanted
        Whether an answer is still awaited.
    """

    method = b"GRPC"

    def __init__(self, target: str, headers: Mapping[bytes, bytes], *, new_id: str, timeout: float) -> None:
        self.timeout = timeout
        self.deadline = monotonic() + timeout
        given = headers.get(b"x-request-id", b"")
        self.target = target.encode()
        self.request_id = given.decode() if REQUEST_ID.fullmatch(given) else new_id
        self.correlation = None if headers.keys().isdisjoint(CORRELATED) else Correlation.of(headers)
        self.route: Kind | None = None
        self.rows = 0
        self.run: Run | None = None
        self.started = 0.0
        self.wanted = True
        self.answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def answer(self, result: Answer) -> None:
        """Take the answer, or the error."""
        self.wanted = False
        if self.answered.done():
            return
        if isinstance(result, RequestError):
            self.answered.set_exception(result)
        elif isinstance(result, bytes):
            self.answered.set_result(result)

    def expire(self) -> None:
        """Take it that the deadline has passed."""
        self.answer(DeadlineError(self.timeout))


def status_of(error: RequestError) -> grpc.StatusCode:
    """Give the status of a call that ends with an error."""
    if error.code == "queue-full":
        return grpc.StatusCode.RESOURCE_EXHAUSTED
    return _CODES.get(STATUS[error.code], grpc.StatusCode.INVALID_ARGUMENT)
