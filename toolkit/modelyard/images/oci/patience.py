"""Trying again what may work the next time: bounded, and longer apart each time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from modelyard.errors import ModelyardError

T = TypeVar("T")

_MOST = 10_000
"""Tries at most, also where each gets a little further than the one before."""


class PassingError(Exception):
    """Something failed that may work if it is tried again.

    Parameters
    ----------
    error
        What to tell when it does not.
    after
        Seconds that the other side asks to wait.
    """

    def __init__(self, error: ModelyardError, after: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


class Patience(Struct, frozen=True, kw_only=True):
    """How often something is tried in a row without getting further, and how long the waits in between are.

    The first wait has `wait` seconds, each further one is twice as long, none longer than `longest`.
    """

    tries: int = 6
    wait: float = 0.2
    longest: float = 30.0

    def keep_trying(
        self,
        attempt: Callable[[], T],
        *,
        progress: Callable[[], int] = lambda: 0,
        pause: Callable[[float], object] = time.sleep,
    ) -> T:
        """Call `attempt` until it does not raise `PassingError`.

        Parameters
        ----------
        progress
            Says how far it has got; tries are counted anew when that has grown.

        Raises
        ------
        ModelyardError
            What the last failure says.
        """
        best, failures = progress(), 0
        for left in reversed(range(_MOST)):
            try:
                return attempt()
            except PassingError as passing:
                done = progress()
                failures = 1 if done > best else failures + 1
                best = max(done, best)
                if failures >= self.tries or not left:
                    raise passing.error from passing.__cause__
                pause(min(max(passing.after, self.wait * 2 ** (failures - 1)), self.longest))
        raise AssertionError("the last try returns or raises")
