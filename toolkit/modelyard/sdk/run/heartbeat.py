"""Signs of life of a run, and what it is asked meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Self

from modelyard.sdk.workspace import Workspace

_log = logging.getLogger(__name__)

INTERVAL = 10.0
"""Seconds between two signs of life."""

_LOOK = 0.5
"""Seconds between two looks at whether the run is to be canceled."""


class Heartbeat:
    """A thread that gives signs of life for a run, and tells when the run is asked to stop.

    Parameters
    ----------
    when_canceled
        Called once, on that thread.
    """

    def __init__(self, workspace: Workspace, run: str, when_canceled: Callable[[], None]) -> None:
        self._workspace = workspace
        self._run = run
        self._when_canceled = when_canceled
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        runs = self._workspace.backend.runs
        last, told = float("-inf"), False
        while not self._stopped.is_set():
            due = time.monotonic() >= last + INTERVAL
            try:
                status = (runs.beat(self._run) if due else runs.get(self._run)).status
            except Exception as error:  # noqa: BLE001 - nothing that stops one sign of life may stop the next
                _log.warning("Run %s could give no sign of life: %s", self._run, error)
                status = "Running"
            else:
                last = time.monotonic() if due else last
            if status in {"CancelRequested", "Canceled"} and not told:
                told = True
                self._when_canceled()
            self._stopped.wait(_LOOK)
