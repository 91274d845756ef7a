"""What is served at which path."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from modelyard_scoring.errors import MethodError, PathError
from modelyard_scoring.http1.errors import HttpError
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
    told
        Whether it is told to those who ask for a path that is not served.
    """

    path: str
    methods: tuple[str, ...]
    keyed: bool
    handle: Callable[[Exchange], None]
    model: str = ""
    told: bool = True


class Routes:
    """Finds the route of a request.

    Parameters
    ----------
    rest
        Takes every method at every other path.
    """

    def __init__(self, routes: Iterable[Route], *, rest: Route | None = None) -> None:
        self._routes = {route.path.encode(): route for route in routes}
        self._told = [route.path for route in self._routes.values() if route.told]
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
        route = self._routes.get(target) or self._routes.get(target.partition(b"?")[0]) or self._other(target)
        if route is self._rest:
            return route
        name = method.decode("latin-1")
        if name not in route.methods:
            raise MethodError(name, route.path, route.methods)
        return route

    def _other(self, target: bytes) -> Route:
        if not target.startswith(b"/"):
            raise HttpError("its target is not a path")
        if self._rest is not None:
            return self._rest
        path = target.partition(b"?")[0]
        route = self._routes.get(path.removesuffix(b"/"))
        if route is None or not route.keyed:  # a proxy that hides /metrics need not know that it has other names
            raise PathError(path.decode("latin-1"), self._told)
        return route
