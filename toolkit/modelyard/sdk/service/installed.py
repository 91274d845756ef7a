"""What this machine has for services: its router, and its targets."""

from __future__ import annotations

from functools import cached_property

from modelyard.services.router import ServiceRouter, find_router
from modelyard.services.target import ServiceTarget, find_target
from modelyard.settings import Settings


class Machine:
    """Finds each once, so that what one keeps open, such as its talk with an engine, outlives a step."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._targets: dict[str, ServiceTarget] = {}

    @cached_property
    def router(self) -> ServiceRouter:
        """The router.

        Raises
        ------
        MissingExtraError
            If none is installed.
        """
        return find_router(self._settings)

    def target(self, name: str) -> ServiceTarget:
        """Give the target of that name.

        Raises
        ------
        UnknownTargetError
            If none of that name is installed.
        """
        if name not in self._targets:
            self._targets[name] = find_target(name, self._settings)
        return self._targets[name]
