"""One process of a script, seen from the server."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue

import msgspec

from modelyard_scoring.errors import DeadlineError, NotReadyError
from modelyard_scoring.failure import Failure
from modelyard_scoring.scripts.errors import ScriptDiedError, ScriptGoneError, ToldError
from modelyard_scoring.scripts.messages import (
    Call,
    Failed,
    Order,
    Phase,
    Result,
    Told,
    Up,
    frame,
    receive,
    receive_next,
    send,
)
from modelyard_scoring.scripts.traces import Traces

_log = logging.getLogger(__name__)
_told = msgspec.msgpack.Decoder(Told)
_results = msgspec.msgpack.Decoder(Result)


class ScriptProcess:
    """A process that runs a script, with one socket for each request that it may run at the same time.

    Parameters
    ----------
    timeout
        Seconds that one request may run.
    died
        Is called once the process has ended.

    Attributes
    ----------
    gone
        Whether it has died, or is about to.
    """

    def __init__(self, order: Order, environ: Mapping[str, str], timeout: float, died: Callable[[], None]) -> None:
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
        self._lines = lines
        self._timeout = timeout
        self._free: SimpleQueue[socket.socket] = SimpleQueue()
        for line in lines:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # costs less than a timeout of Python's
                line.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(timeout), int(timeout % 1 * 1e6)))
            self._free.put(line)
        self._died = died
        self._closed = threading.Event()
        self._hung = False
        self._retired = False
        self.gone = False
        threading.Thread(target=self._await_end, name="script-end", daemon=True).start()
        with contextlib.suppress(OSError):
            send(self._control, order)

    def await_up(self, enter: Callable[[str], None]) -> Up:
        """Wait until the script is ready, calling `enter` with each phase as it begins.

        Raises
        ------
        ToldError
            If it cannot be made ready; the error has what the process told.
        """
        phase = "import"
        while True:
            try:
                told: Told = _told.decode(receive_next(self._control))
            except (EOFError, OSError):
                error = ScriptDiedError(self.end())
                raise ToldError(Failure.of(phase, error)) from None
            if isinstance(told, Up):
                return told
            if isinstance(told, Failed):
                raise ToldError(told.failure)
            if isinstance(told, Phase):
                phase = told.name
                enter(phase)

    def ask(self, call: Call) -> Result:
        """Have a request run, and wait for its answer.

        Raises
        ------
        ScriptGoneError
            If the process had gone before it got the request, so that another may be asked.
        ScriptDiedError
            If it died meanwhile.
        DeadlineError
            If it takes longer than it may; the process is killed.
        NotReadyError
            If it was killed because another request took too long.
        """
        line = self._free.get()
        try:
            try:
                line.sendall(frame(call))
            except BlockingIOError:
                raise
            except OSError:
                self.gone = True
                raise ScriptGoneError from None
            return _results.decode(receive(line))
        except BlockingIOError:  # the time that the socket has is over
            self._give_up(call)
            raise DeadlineError(self._timeout) from None
        except (EOFError, OSError):
            self.gone = True
            if self._hung:
                raise NotReadyError("restarting") from None
            raise ScriptDiedError(self.end()) from None
        finally:
            self._free.put(line)

    def kill(self) -> None:
        """End it at once."""
        self.gone = True
        self._process.kill()

    def retire(self) -> None:
        """Let it answer what it has, then end it."""
        self._retired = True
        threading.Thread(target=self._end_when_idle, name="script-retired", daemon=True).start()

    def await_closed(self, timeout: float) -> None:
        """Wait until it has ended and its sockets are closed."""
        self._closed.wait(timeout)

    def end(self) -> str:
        """Say how it ended; wait for that, if it is just ending."""
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "it closed its sockets"
        if status < 0:
            return f"it was killed by {signal.Signals(-status).name}"
        return f"it ended with the status {status}"

    def _give_up(self, call: Call) -> None:
        """End the process since a request takes too long, and say where it is."""
        if not self._hung:
            self._hung = True
            _log.error(
                "The request %s took longer than %g s; the script is started again.",
                call.request_id,
                self._timeout,
                extra={"traceback": self._traces.ask(self._process), "request_id": call.request_id},
            )
        self.kill()

    def _end_when_idle(self) -> None:
        taken = [self._free.get() for _ in self._lines]
        self.kill()
        for line in taken:
            self._free.put(line)

    def _await_end(self) -> None:
        self._process.wait()
        self.gone = True
        if not (self._hung or self._retired):
            _log.error("The process of the script ended: %s.", self.end(), extra={"traceback": self._traces.read()})
        for line in (self._control, *self._lines):  # processes that the script made may still hold the other ends
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._died()
        for line in [self._control, *(self._free.get() for _ in self._lines)]:
            line.close()
        self._traces.close()
        for line in self._lines:  # whoever still asks finds them closed
            self._free.put(line)
        self._closed.set()
