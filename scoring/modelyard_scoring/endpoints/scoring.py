"""Scoring: ``/score`` for the first model, and ``/score/NAME`` for each."""

from __future__ import annotations

from collections.abc import Callable, Generator

from modelyard_scoring.endpoints.late import LateArrow
from modelyard_scoring.engines import Work
from modelyard_scoring.http1.compression import expand
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.routes import Route
from modelyard_scoring.queues.lanes import Lanes
from modelyard_scoring.queues.queue import Queue
from modelyard_scoring.service.folder import Service
from modelyard_scoring.service.scored import scored_models
from modelyard_scoring.turns import LARGE, Job


def scoring_routes(service: Service, lanes: Lanes) -> list[Route]:
    """Give the routes at which models answer."""
    scored = scored_models(service)
    paths = {"/score": scored[0].name, **{f"/score/{model.name}": model.name for model in scored}}
    late = LateArrow(service.limits.max_queue)
    scripts = {model.name for model in scored if model.engine == "script"}
    return [
        Route(
            path=path,
            methods=("GET", "POST") if name in scripts else ("POST",),
            keyed=True,
            handle=_score(lanes, name, late),
            model=name,
        )
        for path, name in paths.items()
    ]


def _score(lanes: Lanes, name: str, late: LateArrow) -> Callable[[Exchange], None]:
    def handle(exchange: Exchange) -> None:
        lane = lanes.find(name)
        if lane is None:
            lanes.hold(exchange)
            return
        if exchange.usual and lane.put_off is not None and (text := lane.put_off(exchange.body)) is not None:
            lane.add(exchange, text)
            return
        if not exchange.usual and getattr(lane.engine, "reads_arrow", False) and late.holds(exchange):
            return
        if len(exchange.body) > LARGE or (not exchange.usual and b"content-encoding" in exchange.headers):
            lanes.turns.add(Job(exchange, _read(lane, exchange), lambda _, work: lane.add(exchange, work)))
            return
        lane.add(exchange, lane.engine.decode(exchange))

    return handle


def _read(lane: Queue, exchange: Exchange) -> Generator[None, None, Work]:
    """Expand and decode a body in steps."""
    encoding = exchange.headers.get(b"content-encoding", b"identity")
    exchange.headers = {name: text for name, text in exchange.headers.items() if name != b"content-encoding"}
    limit = exchange.connection.server.limits.max_body_bytes
    exchange.body = yield from expand(encoding, bytes(exchange.body), limit)
    in_steps = getattr(lane.engine, "decode_in_steps", None)
    if in_steps is None or len(exchange.body) <= LARGE:
        return lane.engine.decode(exchange)
    work: Work = yield from in_steps(exchange)
    return work
