"""The compute targets that a runner uses, each made once."""

from __future__ import annotations

import os

from modelyard.compute.target import Compute, find_compute
from modelyard.settings import Settings


class Computes:
    """Finds compute targets by their names."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Compute] = {}

    def get(self, name: str) -> Compute:
        """Give the compute target of a name.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        if name not in self._made:
            self._made[name] = find_compute(name, self._settings)
        return self._made[name]

    def slots(self, name: str) -> int:
        """Say how many jobs run at a time on a compute target."""
        del name
        return os.cpu_count() or 1
