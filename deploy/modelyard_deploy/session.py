"""A process that leads others, known by its number and by when it started."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Self

from msgspec import Struct

from modelyard_deploy.noted import started

_GRACE = 35.0
"""Seconds until a process that was asked to end is killed; longer than the scoring server's own grace."""


class SessionProcess(Struct, frozen=True, kw_only=True):
    """The first process of a session; `started` is when, in the system's own words."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """Take note of a process that runs."""
        return cls(pid=pid, started=started(pid))

    def alive(self) -> bool:
        """Say whether it still runs, and is the same process."""
        return bool(self.started) and started(self.pid) == self.started

    def end(self) -> None:
        """Ask it to end, wait, and kill what is left of its group; does nothing if it is gone."""
        if not self.alive():
            return
        group = os.getpgid(self.pid)
        os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        if group != os.getpgrp():
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
