"""The compute targets that a runner uses: what runs their jobs is made once, how many at a time is asked again."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

from modelyard.compute.pool import ComputeInfo, slots
from modelyard.compute.target import Compute, find_compute
from modelyard.sdk.workspace import Workspace

_FRESH = 2.0
"""Seconds for which what is known of a compute target holds."""


class ComputeTargets:
    """Finds compute targets by their names.

    Each method that takes a name raises `NotFoundError` if there is none of that name.

    Attributes
    ----------
    freed
        Is done when a run has left slots to others; then another takes its place.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._made: dict[str, Compute] = {}
        self._known: dict[str, tuple[float, ComputeInfo]] = {}
        self.freed: Future[None] = Future()
        self._turn = threading.Lock()

    def free(self) -> Future[None]:
        """Tell the runs that wait for slots that there are some; return what tells of the next."""
        with self._turn:
            self.freed.set_result(None)
            self.freed = Future()
            return self.freed

    def get(self, name: str) -> Compute:
        """Give what runs the jobs of a compute target."""
        kind = self.info(name).kind
        if kind not in self._made:
            self._made[kind] = find_compute(kind, self._workspace.settings)
        return self._made[kind]

    def slots(self, name: str) -> int:
        """Say how many jobs run at a time on a compute target."""
        return slots(self.info(name))

    def info(self, name: str) -> ComputeInfo:
        """Read what a compute target is."""
        asked, info = self._known.get(name, (0.0, None))
        now = time.monotonic()
        if info is None or now > asked + _FRESH:
            info = self._workspace.backend.computes.get(name)
            self._known[name] = now, info
        return info
