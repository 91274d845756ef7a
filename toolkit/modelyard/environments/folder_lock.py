"""A lock on a name, between processes, that ends with its holder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1


@contextmanager
def held(path: Path, *, shared: bool, timeout: float) -> Iterator[None]:
    """Hold the lock on `path`, waiting for at most `timeout` seconds; many may hold it `shared`.

    The file is made and never removed: removing it would let two processes lock two files of one name.

    Raises
    ------
    TimeoutError
        If others hold it for longer.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, timeout)
        yield
    finally:
        os.close(file)


def _acquire(file: int, kind: int, timeout: float) -> None:
    deadline, pause = time.monotonic() + timeout, _FIRST_PAUSE
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError from None
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            return
