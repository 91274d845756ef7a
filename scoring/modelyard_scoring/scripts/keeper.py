"""Keeps a script's process running: another takes its place when it dies, hangs, or its code has changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import cast

from modelyard_scoring.failure import Failure
from modelyard_scoring.scripts.errors import ToldError
from modelyard_scoring.scripts.messages import Order, Up
from modelyard_scoring.scripts.pending import Pending
from modelyard_scoring.scripts.process import ScriptProcess
from modelyard_scoring.scripts.watch import Watch

_log = logging.getLogger(__name__)
_LOOK = 0.3  # seconds between looks at the code
_MAX_PAUSE = 30.0
_CLOSING = 5.0  # seconds to wait for the end of a process


class Keeper:
    """Starts the process of a script, and has the one that is up run what is pending.

    Parameters
    ----------
    timeout
        Seconds that one request may run.
    pending
        The requests.
    watch
        Tells whether the code has changed; None takes it as it is.
    """

    def __init__(
        self, order: Order, environ: Mapping[str, str], timeout: float, pending: Pending, watch: Watch | None
    ) -> None:
        self._timeout = timeout
        self._order = order
        self._environ = environ
        self._watch = watch
        self._changed = threading.Condition()
        self._process: ScriptProcess | None = None
        self._first: Up | ToldError | None = None
        self._pending = pending
        self._closed = False
        self.up: Up | None = None

    def start(self, enter: Callable[[str], None]) -> Up:
        """Start the first process, and wait until the script is ready.

        Raises
        ------
        ToldError
            If it cannot be made ready. Where changes are watched for, the next change is waited for instead.
        """
        # the system ends a process with the thread that made it: so one thread makes them all
        threading.Thread(target=self._keep, args=(enter,), name="script", daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: self._first is not None)
            told = self._first
        if isinstance(told, ToldError):
            raise told
        return cast("Up", told)

    def close(self) -> None:
        """End the process, and start no other."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            if self._process is not None:
                self._process.retire()
        if self._process is not None:
            self._process.await_closed(_CLOSING)

    def _keep(self, enter: Callable[[str], None]) -> None:
        if not self._begin_first(enter):
            return
        while not self._closed:
            if self._await_reason():
                self._replace()
            elif not self._closed:
                self._begin_until_up()

    def _begin_first(self, enter: Callable[[str], None]) -> bool:
        while True:
            try:
                told: Up | ToldError = self._begin(enter)
            except ToldError as error:
                told = error
                if self._watch is not None:
                    _say(error, "the next change of the code is waited for")
                    self._watch.wait(_LOOK)
                    continue
            with self._changed:
                self._first = told
                self._changed.notify_all()
            return isinstance(told, Up)

    def _await_reason(self) -> bool:
        """Wait until the process is gone, or its code has changed; tell whether it is the latter."""
        with self._changed:
            while not self._closed and self._process is not None and not self._process.gone:
                if self._changed.wait(None if self._watch is None else _LOOK):
                    continue
                if self._watch is not None and self._watch.changed():
                    return True
        return False

    def _replace(self) -> None:
        """Start a process with the changed code; the old one serves until that is up, or on if it cannot be."""
        _log.info("The code has changed; the script is loaded again.")
        old = self._process
        try:
            self._begin(_quiet)
        except ToldError as error:
            _say(error, "the script as it was goes on serving")
            return
        if old is not None:
            old.retire()

    def _begin_until_up(self) -> None:
        pause = 0.5
        while not self._closed:
            try:
                self._begin(_quiet)
            except ToldError as error:
                _say(error, f"it is tried again in {pause:g} s")
                with self._changed:
                    self._changed.wait(pause)
                pause = min(2 * pause, _MAX_PAUSE)
            else:
                return

    def _begin(self, enter: Callable[[str], None]) -> Up:
        try:
            process = ScriptProcess(self._order, self._environ, self._timeout, self._pending, self._notice)
        except OSError as error:  # no process or descriptor is left, or no folder
            raise ToldError(Failure.of("import", error)) from error
        try:
            up = process.await_up(enter)
        except ToldError:
            process.retire()
            raise
        with self._changed:
            self._process, self.up = process, up
            self._changed.notify_all()
        self._pending.loop.call_soon_threadsafe(process.open)
        return up

    def _notice(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _quiet(phase: str) -> None:
    """Enter a phase of a process that is not the first, while the worker's own phase stays."""
    _log.info("The script's process is in the phase %s.", phase)


def _say(error: ToldError, consequence: str) -> None:
    failure = error.failure
    _log.error(
        "The script could not be made ready in the phase %s: %s: %s; %s.",
        failure.phase,
        failure.type,
        failure.message,
        consequence,
        extra={"traceback": failure.traceback},
    )
