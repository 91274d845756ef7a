"""The compute targets that a runner uses: what runs their jobs is made once, how many at a time is asked again."""

from __future__ import annotations

import time

from modelyard.compute.pool import ComputeInfo, slots
from modelyard.compute.target import Compute, find_compute
from modelyard.sdk.workspace import Workspace

_FRESH = 2.0
"""Seconds for which what is known of a compute target holds."""


class ComputeTargets:
    """Finds compute targets by their names.

    Each method raises `NotFoundError` if there is none of a name.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._made: dict[str, Compute] = {}
        self._known: dict[str, tuple[float, ComputeInfo]] = {}

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
