"""A thread that runs calls one after the other and hands their results to the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any


class Background:
    """One daemon thread: a call that never returns does not keep the process from ending."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._loop = loop
        self._calls: SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]]] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, call: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run `call`, which must not raise, in the thread; then `done` with its result in the loop."""
        self._calls.put((call, done))

    def _work(self) -> None:
        while True:
            call, done = self._calls.get()
            self._loop.call_soon_threadsafe(done, call())
