"""Several pieces of work at a time, in threads: the first that fails ends the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 4


class StoppedError(Exception):
    """The work has no purpose any more."""


class Stop:
    """Tells the threads of one job that another has failed."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Have the others end."""
        self._event.set()

    def check(self) -> None:
        """Raise `StoppedError` if the work has no purpose any more."""
        if self._event.is_set():
            raise StoppedError

    def pause(self, seconds: float) -> None:
        """Wait, and end early if there is nothing left to wait for."""
        if self._event.wait(seconds):
            raise StoppedError


def side_by_side(work: Callable[[T], object], items: Iterable[T], stop: Stop) -> None:
    """Do `work` for each item, some at a time.

    Raises
    ------
    Exception
        What the first piece of work that failed raised; by then no other is going on.
    """
    with ThreadPoolExecutor(AT_ONCE, "oci") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop.set()
            raise
