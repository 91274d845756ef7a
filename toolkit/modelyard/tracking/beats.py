"""Signs of life for the runs that this process records in place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

INTERVAL = 10.0
"""Seconds between two signs of life of one run."""

_log = logging.getLogger(__name__)


class Beats:
    """One thread that gives the signs of life of any number of runs; it runs while there are some.

    Parameters
    ----------
    beat
        Gives a run's sign of life.
    interval
        Seconds between two of them.
    """

    def __init__(self, beat: Callable[[str], object], interval: float = INTERVAL) -> None:
        self.interval = interval
        self._beat = beat
        self._runs: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._woken = threading.Event()

    def add(self, run_id: str) -> None:
        """Begin with a run."""
        with self._lock:
            self._runs.add(run_id)
            if self._thread is None or not self._thread.is_alive():
                self._woken = threading.Event()
                self._thread = threading.Thread(target=self._go_on, args=(self._woken,), name="beats", daemon=True)
                self._thread.start()

    def remove(self, run_id: str) -> None:
        """End with a run."""
        with self._lock:
            self._runs.discard(run_id)

    def close(self) -> None:
        """End with all runs, and with the thread."""
        with self._lock:
            self._runs.clear()
            self._woken.set()
            thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=1)

    def _go_on(self, woken: threading.Event) -> None:
        while not woken.wait(self.interval):
            with self._lock:
                runs = sorted(self._runs)
                if not runs:
                    self._thread = None
                    return
            for run_id in runs:
                self._try(run_id)

    def _try(self, run_id: str) -> None:
        try:
            self._beat(run_id)
        except Exception as error:  # noqa: BLE001 - whatever stops one sign of life must not stop the next
            _log.warning("Run %s could give no sign of life: %s", run_id, error)
