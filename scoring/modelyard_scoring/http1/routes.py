"""What is served at which path."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from modelyard_scoring.errors import HttpError, MethodError, PathError
from modelyard_scoring.http1.exchange import Exchange

READ = ("GET", "HEAD")


class Route(Struct, frozen=True, kw_only=True):
    """One path.

    Parameters
    ----------
    keyed
        Whether a key is asked for, if the service has keys.
    model
        The name of the model whose requests these are.
    """

    path: str
    methods: tuple[str, ...]
    keyed: bool
    handle: Callable[[Exchange], None]
    model: str = ""


class Routes:
    """Finds the route of a request.

    Parameters
    ----------
    rest
        Takes every method at every other path.
    """

    def __init__(self, routes: Iterable[Route], *, rest: Route | None = None) -> None:
        self._routes = {route.path.encode(): route for route in routes}
        self._rest = rest

    def find(self, method: bytes, target: bytes) -> Route:
        """Find the route for a method and a path with or without query.

        Raises
        ------
        HttpError
            If the target is not a path.
        PathError
            If nothing is served there.
        MethodError
            If the path takes other methods.
        """
        route = self._routes.get(target) or self._routes.get(target.partition(b"?")[0])
        if route is None:
            if not target.startswith(b"/"):
                raise HttpError("its target is not a path")
            if self._rest is not None:
                return self._rest
            raise PathError(target.partition(b"?")[0].decode("latin-1"), [r.path for r in self._routes.values()])
        name = method.decode("latin-1")
        if name not in route.methods:
            raise MethodError(name, route.path, route.methods)
        return route
