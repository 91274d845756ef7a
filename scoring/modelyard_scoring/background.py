"""Threads that run calls and hand their results to the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any


class Background:
    """One daemon thread or more: a call that never returns does not keep the process from ending."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._loop = loop
        self._calls: SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]]] = SimpleQueue()
        self._name = name
        self._threads = 0
        self.grow(1)

    def grow(self, threads: int) -> None:
        """Have at least so many threads."""
        while self._threads < threads:
            self._threads += 1
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def submit(self, call: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run `call`, which must not raise, in a thread; then `done` with its result in the loop."""
        self._calls.put((call, done))

    def _work(self) -> None:
        while True:
            call, done = self._calls.get()
            self._loop.call_soon_threadsafe(done, call())
