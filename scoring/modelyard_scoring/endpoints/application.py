"""An application: it answers at every path that is not the server's own."""

from __future__ import annotations

from modelyard_scoring.errors import WebSocketError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.routes import Route
from modelyard_scoring.queues.lanes import Lanes
from modelyard_scoring.service.folder import Service
from modelyard_scoring.service.scored import scored_models


def application_route(service: Service, lanes: Lanes) -> Route:
    """Give the route of everything that the application answers."""

    def handle(exchange: Exchange) -> None:
        if b"sec-websocket-key" in exchange.headers:
            raise WebSocketError
        if lanes.host is None:
            lanes.hold(exchange)
        else:
            lanes.host.take(exchange)

    return Route(path="/*", methods=(), keyed=True, handle=handle, model=scored_models(service)[0].name)
