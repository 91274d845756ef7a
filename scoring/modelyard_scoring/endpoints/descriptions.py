"""What says how the service is used: ``/openapi.json`` and ``/swagger.json``."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from modelyard_scoring.descriptions.openapi import Document, openapi, swagger
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.routes import READ, Route
from modelyard_scoring.http1.server import Server
from modelyard_scoring.queues.lanes import Lanes
from modelyard_scoring.service.folder import Service
from modelyard_scoring.service.scored import scored_models


def description_routes(service: Service, server: Server, lanes: Lanes) -> list[Route]:
    """Give the routes of descriptions, which need a key where scoring does."""

    def handle(describe: Callable[..., Document]) -> Callable[[Exchange], None]:
        def body() -> bytes:
            return orjson.dumps(describe(service, scored_models(service), lanes.described(), keyed=server.keyed))

        if service.code is not None:  # what a script says of itself is known once it is loaded, and may change
            return lambda exchange: exchange.send(body())
        fixed = body()
        return lambda exchange: exchange.send(fixed)

    described = {"/openapi.json": openapi, "/swagger.json": swagger}
    return [Route(path=path, methods=READ, keyed=True, handle=handle(describe)) for path, describe in described.items()]
