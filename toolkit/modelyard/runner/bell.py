"""A bell that wakes who waits: threads of its own process, and others through a pipe of the file system."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MUCH = 4096


class Bell:
    """Wakes the threads that wait for it, also those that only begin to.

    Attributes
    ----------
    rung
        How often it was rung.
    """

    def __init__(self) -> None:
        self.rung = 0
        self._changed = threading.Condition()

    def ring(self) -> None:
        """Wake all that wait."""
        with self._changed:
            self.rung += 1
            self._changed.notify_all()

    def wait(self, seconds: float, rung: int) -> None:
        """Wait for a time, or until it was rung more often than `rung` times."""
        with self._changed:
            self._changed.wait_for(lambda: self.rung != rung, seconds)


@contextmanager
def heard(pipe: Path, ring: Callable[[], None]) -> Iterator[None]:
    """Call `ring`, in a thread, whenever another process has rung at `pipe`, which is made where that can be done."""
    opened = _opened(pipe)
    if opened is None:
        yield
        return
    over = threading.Event()

    def listen() -> None:
        while os.read(opened, _MUCH) and not over.is_set():
            ring()

    thread = threading.Thread(target=listen, name="bell", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        os.write(opened, b".")
        thread.join()
        os.close(opened)


def _opened(pipe: Path) -> int | None:
    """Open the pipe to read it; None where there can be none, as on file systems without pipes."""
    try:
        with suppress(FileExistsError):
            os.mkfifo(pipe, 0o600)
        return os.open(pipe, os.O_RDWR | os.O_CLOEXEC)  # one who writes is always there, so that reading waits
    except OSError:
        return None


def ring_at(pipe: Path) -> None:
    """Wake who hears the pipe; does nothing if nobody does."""
    with suppress(OSError):  # none is there, or nobody hears it, or it is full: then it was rung often enough
        opened = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(opened, b".")
        finally:
            os.close(opened)
