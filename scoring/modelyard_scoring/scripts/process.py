"""One process of a script, seen from the server."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from modelyard_scoring.asking import Asking
from modelyard_scoring.errors import NotReadyError, how_it_ended
from modelyard_scoring.failure import Failure
from modelyard_scoring.scripts.errors import ScriptDiedError, ToldError
from modelyard_scoring.scripts.line import Line, Post
from modelyard_scoring.scripts.messages import Failed, Inbox, Order, Phase, Told, Up, frame, receive
from modelyard_scoring.scripts.pending import Pending
from modelyard_scoring.scripts.traces import Traces

_log = logging.getLogger(__name__)
_LAST_WORDS = 2.0  # seconds that a process may live on without its sockets


class ScriptProcess:
    """A process that runs a script, with one socket for each request that it may run at the same time.

    A thread of its own makes it and waits until it is up; from then on the event loop speaks with it.

    Parameters
    ----------
    timeout
        Seconds that one request may run.
    pending
        The requests that it is to run.
    died
        Is called once the process has ended.

    Attributes
    ----------
    gone
        Whether it has died, or is about to.
    """

    def __init__(
        self,
        order: Order,
        environ: Mapping[str, str],
        timeout: float,
        pending: Pending,
        died: Callable[[], None],
    ) -> None:
        pairs = [socket.socketpair() for _ in range(order.at_once + 1)]
        self._traces = Traces()
        theirs = [self._traces.number, *(other.fileno() for _, other in pairs)]
        command = [sys.executable, "-P", "-m", "modelyard_scoring.scripts.runner", *map(str, theirs)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            pass_fds=theirs,
            cwd=order.root,
            env={**os.environ, **environ},
        )
        for _, other in pairs:
            other.close()
        self._control, *lines = (own for own, _ in pairs)
        self._lines = [Line(own, self, pending.loop, timeout=timeout, ahead=len(lines) == 1) for own in lines]
        self._root = Path(order.root)
        self._timeout = timeout
        self._pending = pending
        self._died = died
        self._closed = threading.Event()
        self._cut = False
        self._giving_up: threading.Thread | None = None
        self._retired = False
        self.gone = False
        self._status: int | None = None
        self._trace: str | None = None
        self._ending = threading.Thread(target=self._await_end, name="script-end", daemon=True)
        self._ending.start()
        with contextlib.suppress(OSError):
            self._control.sendall(frame(order))

    def await_up(self, enter: Callable[[str], None]) -> Up:
        """Wait until the script is ready, calling `enter` with each phase as it begins.

        Raises
        ------
        ToldError
            If it cannot be made ready; the error has what the process told.
        """
        phase = "import"
        inbox: Inbox[Told] = Inbox(Told)
        while True:
            try:
                _, told = receive(self._control, inbox)
            except (EOFError, OSError):
                self._ending.join()
                error = ScriptDiedError(self._status, self._trace)
                raise ToldError(Failure.of(phase, error, self._root)) from None
            if isinstance(told, Up):
                return told
            if isinstance(told, Failed):
                raise ToldError(told.failure)
            if isinstance(told, Phase):
                phase = told.name
                enter(phase)

    def open(self) -> None:
        """Listen for answers, and run what is pending; called in the loop, as all that follows."""
        if not self._closed.is_set():
            for line in self._lines:
                line.open()
            self._pending.use(self)

    @property
    def ahead(self) -> int:
        """How many calls it has that wait for another's end."""
        return max(0, len(self._lines[0].posts) - 1)  # where there are several lines, each has one call

    def free_line(self) -> Line | None:
        """Give a line that takes a call; None if all are busy."""
        return next((line for line in self._lines if line.takes), None)

    def flush(self) -> None:
        """Send what the lines were given."""
        for line in self._lines:
            line.flush()

    def answered(self, returned: list[Post]) -> None:
        """Have more calls run; those that came back are looked at again before."""
        self._pending.put_back(returned)
        self._pending.send()
        if self._retired:
            self._end_if_idle()

    def overdue(self, asking: Asking) -> None:
        """End the process since a request takes too long, and say where it is."""
        self._leave()
        if self._giving_up is None:
            self._giving_up = threading.Thread(target=self._give_up, args=(asking.request_id,), name="script-hung")
            self._giving_up.start()

    def lost(self) -> None:
        """See to it that a process that has closed its sockets ends."""
        self._leave()
        self._pending.loop.call_later(_LAST_WORDS, self._cut_off)

    def retire(self) -> None:
        """Let it answer what it has, then end it; called from any thread."""
        self._retired = True
        self._pending.loop.call_soon_threadsafe(self._retire)

    def await_closed(self, timeout: float) -> None:
        """Wait until it has ended and its sockets are closed."""
        self._closed.wait(timeout)

    def _retire(self) -> None:
        self._pending.lose(self)
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if not any(line.posts for line in self._lines):
            self._kill()

    def _leave(self) -> None:
        self.gone = True
        self._pending.lose(self)

    def _kill(self) -> None:
        self.gone = True
        self._process.kill()

    def _cut_off(self) -> None:
        if self._process.returncode is None:
            self._cut = True
            self._kill()

    def _give_up(self, request_id: str) -> None:
        _log.error(
            "The request %s took longer than %g s; the script is started again.",
            request_id,
            self._timeout,
            extra={"traceback": self._traces.ask(self._process), "request_id": request_id},
        )
        self._kill()

    def _await_end(self) -> None:
        status = self._process.wait()
        self._status = None if self._cut else status
        self._trace = self._traces.read()
        self.gone = True
        hung = self._giving_up
        if hung is not None:
            hung.join()
        elif not self._retired:
            how = how_it_ended(self._status)
            _log.error("The process of the script ended: %s.", how, extra={"traceback": self._trace})
        with contextlib.suppress(OSError):  # processes that the script made may still hold the other end
            self._control.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile, and then nobody waits
            self._pending.loop.call_soon_threadsafe(self._settle)
        self._died()

    def _settle(self) -> None:
        """Answer what it had begun, and leave the rest to the next process."""
        self._leave()
        returned: list[Post] = []
        for line in self._lines:
            died = ScriptDiedError(self._status, self._trace)
            error = NotReadyError("restarting") if self._giving_up else died
            returned += line.settle(error)
        self._pending.put_back(returned)
        self._pending.send()
        self._control.close()
        self._traces.close()
        self._closed.set()
