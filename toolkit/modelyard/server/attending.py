"""The runner of a workspace that is served: a process of its own, started when there is work for it."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from modelyard.backend.embedded import over
from modelyard.errors import ModelyardError
from modelyard.runner.attendance import Attendance
from modelyard.runner.errors import RunnerStaysError
from modelyard.runner.runner import Runner
from modelyard.sdk.runner import ensure_runner, reconcilers
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings
from modelyard.store.store import Store

_LOOK = 1.0
"""Seconds between two looks for work."""
_END = 20.0
"""Seconds for the runner's step in hand, when the server ends."""

_log = logging.getLogger(__name__)


class Attending:
    """Has a runner look after the workspace in `store` whenever there is work and none runs, until closed.

    A runner whose server was killed goes on, and the next server finds it.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._workspace = Workspace(over(store), settings)
        self._database = None if store.database.is_sqlite else store.database.url
        self._looking = Attendance(store.root)
        self._runner = Runner(self._workspace.backend.leases, reconcilers(self._workspace), "server")  # only asked
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="attending", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the runner: what serves goes on, and the next runner looks after it."""
        self._closed.set()
        self._thread.join()
        with suppress(RunnerStaysError):
            self._looking.stop(_END)

    def _look_after(self) -> None:
        while not self._closed.wait(_LOOK):
            if self._looking.find() is None and self._runner.has_work():
                try:
                    ensure_runner(self._workspace, database=self._database)
                except (ModelyardError, OSError) as error:
                    _log.warning("No runner could be started: %s", error)
