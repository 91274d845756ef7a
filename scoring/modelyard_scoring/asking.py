"""Whoever waits for an answer, as those see it who are to give one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from modelyard_scoring.answers import Answer


class Asking(Protocol):
    """Whoever waits for an answer."""

    request_id: str
    wanted: bool
    """False once the client is gone or was answered otherwise."""
    deadline: float
    """When, as `time.monotonic` says, an answer is of no use any more."""

    def expire(self) -> None:
        """Take it that the deadline has passed."""
        ...


Done = Callable[[Any, Answer, float | None], None]
"""Is told who asked, the answer, and the seconds of the run; None if there was none."""
