"""One socket to the process of a script: calls go in, and answers come back in the same order."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from math import inf
from time import monotonic
from typing import Any, NamedTuple, Protocol

from modelyard_scoring.answers import Answer, Reply
from modelyard_scoring.asking import Asking, Done
from modelyard_scoring.errors import DeadlineError, RequestError, ScriptFailedError
from modelyard_scoring.scripts.errors import RelayedError
from modelyard_scoring.scripts.messages import PART, Call, Inbox, Refusal, Result, write

_AHEAD = 0.002  # seconds of runs that may be on their way
_MOST_AHEAD = 16
_WEIGHT = 0.1  # of the last run in the mean of the recent ones
_FRESH = 0.01
"""Seconds that a call may lie behind others and still be begun without a look at whether it is wanted."""


class Post(NamedTuple):
    """A call, and who is to get its answer."""

    call: Call
    asking: Asking
    done: Done


class Owner(Protocol):
    """What a line tells how it goes."""

    def answered(self, returned: list[Post]) -> None:
        """Send more calls, since others were answered; those in `returned` were not begun."""
        ...

    def overdue(self, asking: Asking) -> None:
        """End a run that takes longer than it may."""
        ...

    def lost(self) -> None:
        """Take it that the other side is gone."""
        ...


class Line:
    """The end of a socket that the event loop of the server has; the process runs its calls one after another.

    Calls may be sent before those ahead of them are answered. What is not begun comes back when it has lain there for
    a while, so that it can be asked whether it is still wanted; what was not begun when the process dies, too.

    Parameters
    ----------
    owner
        Is told how it goes.
    timeout
        Seconds that one run may take.
    ahead
        Whether calls may be sent while others run: not where another line may be free sooner.

    Attributes
    ----------
    posts
        The calls that have no answer yet, the first of them perhaps begun.
    """

    def __init__(
        self, own: socket.socket, owner: Owner, loop: asyncio.AbstractEventLoop, *, timeout: float, ahead: bool
    ) -> None:
        own.setblocking(False)
        self.posts: deque[Post] = deque()
        self._socket = own
        self._owner = owner
        self._loop = loop
        self._timeout = timeout
        self._most = _MOST_AHEAD if ahead else 1
        self._recent = _AHEAD
        self._inbox: Inbox[Result] = Inbox(Result)
        self._out = bytearray()
        self._writing = False
        self._ends: deque[int] = deque()  # where the calls in `posts` end, in bytes
        self._sent = 0
        self._written = 0
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._returned: list[Post] = []

    def open(self) -> None:
        """Begin to listen for answers."""
        self._loop.add_reader(self._socket, self._read)

    @property
    def takes(self) -> bool:
        """Whether another call may be sent: of quick runs several, but nothing while calls come back."""
        count = len(self.posts)
        if count == 0:
            return True
        more = count < self._most and count * self._recent < _AHEAD and len(self._out) < PART
        return more and not self._returned

    def add(self, post: Post) -> None:
        """Put a call among those that `flush` sends."""
        now = monotonic()
        out = self._out
        before = len(out)
        write(out, post.call, min(now + _FRESH, post.asking.deadline) if self.posts else inf)
        self._written += len(out) - before
        self._ends.append(self._written)
        if not self.posts:
            self._since = now
            if self._timer is None:
                self._timer = self._loop.call_later(self._timeout, self._look)
        self.posts.append(post)

    def flush(self) -> None:
        """Send what was added, as far as the socket takes it; the rest follows."""
        if self._out and not self._writing:
            self._write()

    def settle(self, error: RequestError) -> list[Post]:
        """Read what came before the process ended; the call that it may have begun gets an error.

        Returns
        -------
        list
            The calls that it had not begun.
        """
        while self._receive():
            continue
        self._close()
        if self.posts and self._ends[0] <= self._sent:
            seconds = monotonic() - self._since
            first = self.posts.popleft()
            first.done(first.asking, error, seconds)
        return [*self._returned, *self.posts]

    def _close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        if self._timer is not None:
            self._timer.cancel()
        self._socket.close()

    def _write(self) -> None:
        out = self._out
        try:
            count = self._socket.send(out)
        except BlockingIOError:
            count = 0
        except OSError:  # what it answered before may still be read
            self._loop.remove_writer(self._socket)
            self._owner.lost()
            return
        self._sent += count
        del out[:count]
        if bool(out) != self._writing:
            self._writing = bool(out)
            if self._writing:
                self._loop.add_writer(self._socket, self._write)
            else:
                self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        came = self._receive()
        if came:
            returned = self._returned
            if not self.posts:
                self._returned = []
            self._owner.answered([] if self.posts else returned)
        elif came is not None:
            self._loop.remove_reader(self._socket)
            self._owner.lost()

    def _receive(self) -> bool | None:
        """Take the answers that are there; tell whether any came, None for not yet, False for never."""
        try:
            data = self._socket.recv(PART)
        except BlockingIOError:
            return None
        except OSError:
            return False
        self._inbox.feed(data)
        while (found := self._inbox.take()) is not None:
            result = found[1]
            post = self.posts.popleft()
            self._ends.popleft()
            self._since = monotonic()
            if result is None:
                self._returned.append(post)
            else:
                self._recent += _WEIGHT * (result.seconds - self._recent)
                post.done(post.asking, _answer(result), result.seconds)
        return bool(data)

    def _look(self) -> None:
        """Tell if the run that is under way has had its time; look again when that is over."""
        self._timer = None
        if not self.posts:
            return
        left = self._since + self._timeout - monotonic()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
            return
        post = self.posts[0]
        self.posts[0] = post._replace(done=_leave)
        post.done(post.asking, DeadlineError(self._timeout), self._timeout)
        self._owner.overdue(post.asking)


def _leave(_asking: Any, _answer: Answer, _seconds: float | None) -> None:
    """Leave it at the answer that was given."""


def _answer(result: Result) -> Answer:
    if result.refusal is not None:
        return _error(result.refusal)
    return Reply(body=result.body, kind=result.kind, status=result.status, headers=result.headers)


def _error(refusal: Refusal) -> RequestError:
    if refusal.code == ScriptFailedError.code:
        return ScriptFailedError(refusal.text, **refusal.facts)
    return RelayedError(refusal.code, refusal.text, refusal.facts)
