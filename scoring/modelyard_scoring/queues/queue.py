"""What requests are put into, whatever answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from modelyard_scoring.engines import Engine, Work
from modelyard_scoring.errors import RequestError
from modelyard_scoring.queues.batch import Caller


class Queue(Protocol):
    """The queue before one model: a `Lane`, or a `Relay`."""

    @property
    def engine(self) -> Engine:
        """What answers."""
        ...

    @property
    def put_off(self) -> Callable[[Any], Work | None] | None:
        """The engine's, if it has one: takes the body of a usual request as it is, to be read when it is run."""
        ...

    def add(self, caller: Caller, work: Any) -> None:
        """Put a request in the queue; raise a `QueueFullError` if as many are waiting as may."""
        ...

    def stuck(self, timeout: float) -> bool:
        """Whether a run that cannot be ended has taken longer than any request may."""
        ...

    def abandon(self, error: RequestError) -> None:
        """Answer all that are waiting, and all to come, with an error, since no run will reach them."""
        ...
