"""Calls that wait for the process of a script: those that are first go to it, ahead of time if it is quick."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from modelyard_scoring.asking import Asking, Done
from modelyard_scoring.errors import NotReadyError, RequestError
from modelyard_scoring.scripts.line import Post
from modelyard_scoring.scripts.messages import Call

if TYPE_CHECKING:
    from modelyard_scoring.scripts.process import ScriptProcess

_MOMENT = 1.0  # seconds without a process in which another is about to be there
_PATIENCE = 5.0  # seconds that requests wait for a process that is being started again


class Pending:
    """The queue before the process of a script; all of it belongs to the event loop.

    Attributes
    ----------
    loop
        The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._queue: deque[Post] = deque()
        self._process: ScriptProcess | None = None
        self._refusal: RequestError | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._scheduled = False
        self._down_since: float | None = None

    @property
    def waiting(self) -> int:
        """How many calls have not begun."""
        return len(self._queue) + (0 if self._process is None else self._process.ahead)

    def able(self) -> bool:
        """Whether there is a process, or will be one in a moment."""
        return self._down_since is None or monotonic() - self._down_since < _MOMENT

    def add(self, call: Call, asking: Asking, done: Done) -> None:
        """Have a call run; its answer is told to `done`.

        Raises
        ------
        NotReadyError
            If there has been no process for too long.
        """
        if self._refusal is not None:
            raise self._refusal
        self._queue.append(Post(call, asking, done))
        if not self._scheduled and self._process is not None:  # with all that come in this turn of the loop
            self._scheduled = True
            self.loop.call_soon(self.send)

    def put_back(self, posts: Sequence[Post]) -> None:
        """Put calls that were not begun before all others."""
        self._queue.extendleft(reversed(posts))

    def send(self) -> None:
        """Send the process what it takes; whose client is gone or whose time has passed is dropped."""
        self._scheduled = False
        queue, process = self._queue, self._process
        if process is None or not queue:
            return
        now = monotonic()
        while queue and (line := process.free_line()) is not None:
            post = queue.popleft()
            if not post.asking.wanted:
                continue
            if post.asking.deadline <= now:
                post.asking.expire()
                continue
            line.add(post)
        process.flush()

    def use(self, process: ScriptProcess) -> None:
        """Have a process run the calls from now on."""
        self._process = process
        self._refusal = self._down_since = None
        if self._patience is not None:
            self._patience.cancel()
        self.send()

    def lose(self, process: ScriptProcess) -> None:
        """Send a process no more; what waits stays for another, but not for ever."""
        if self._process is process:
            self._process = None
            self._down_since = monotonic()
            self._patience = self.loop.call_later(_PATIENCE, self.refuse, NotReadyError("restarting"))

    def refuse(self, error: RequestError) -> None:
        """Answer all that wait, and all that come until there is a process, with an error."""
        self._refusal = error
        while self._queue:
            post = self._queue.popleft()
            if post.asking.wanted:
                post.done(post.asking, error, None)
