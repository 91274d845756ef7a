"""Scoring: ``/score`` for the first model, and ``/score/NAME`` for each."""

from __future__ import annotations

from collections.abc import Callable

from modelyard_scoring.errors import ContentTypeError
from modelyard_scoring.exchange import Exchange
from modelyard_scoring.folder import Service
from modelyard_scoring.lanes import Lanes
from modelyard_scoring.routes import Route
from modelyard_scoring.scored import scored_models


def scoring_routes(service: Service, lanes: Lanes) -> list[Route]:
    """Give the routes at which models answer."""
    scored = scored_models(service)
    paths = {"/score": scored[0].name, **{f"/score/{model.name}": model.name for model in scored}}
    scripts = {model.name for model in scored if model.engine == "script"}
    return [
        Route(
            path=path,
            methods=("GET", "POST") if name in scripts else ("POST",),
            keyed=True,
            handle=_score(lanes, name),
            model=name,
        )
        for path, name in paths.items()
    ]


def _score(lanes: Lanes, name: str) -> Callable[[Exchange], None]:
    def handle(exchange: Exchange) -> None:
        lane = lanes.find(name)
        if lane is None:
            lanes.hold(exchange)
            return
        if not exchange.usual and exchange.headers.get(b"content-encoding", b"identity") != b"identity":
            raise ContentTypeError("compressed", ["the body uncompressed"])
        work = lane.engine.decode(exchange)
        exchange.rows = work.count
        lane.add(exchange, work)

    return handle
