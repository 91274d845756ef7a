"""The Open Inference Protocol, version 2: ``/v2`` and what is below it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import orjson

from modelyard_scoring.answers import JSON
from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.errors import ContentTypeError, NotReadyError
from modelyard_scoring.http1.compression import expand
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.routes import READ, Route
from modelyard_scoring.http1.server import Server
from modelyard_scoring.inference import description
from modelyard_scoring.inference.http import Reader
from modelyard_scoring.inference.packed import Packed
from modelyard_scoring.inference.writer import PACKED, ServedAs
from modelyard_scoring.queues.lanes import Lanes
from modelyard_scoring.queues.queue import Queue
from modelyard_scoring.service.folder import ServedModel, Service
from modelyard_scoring.service.scored import scored_models
from modelyard_scoring.telemetry.metrics import Metrics
from modelyard_scoring.turns import LARGE, Job

_KINDS = {JSON, PACKED, b""}
Handle = Callable[[Exchange], None]


def inference_routes(service: Service, metrics: Metrics, server: Server, lanes: Lanes) -> list[Route]:
    """Give the routes of the protocol; each model has them with and without its version."""

    def send_ready(exchange: Exchange, **facts: Any) -> None:
        if server.stopping or not metrics.serving():
            raise NotReadyError(server.counters.phase)
        exchange.send(orjson.dumps({**facts, "ready": True}))

    described = orjson.dumps(description.server(service))
    routes = [
        Route(path="/v2", methods=READ, keyed=True, handle=lambda exchange: exchange.send(described)),
        Route(path="/v2/health/live", methods=READ, keyed=False, handle=_live),
        Route(path="/v2/health/ready", methods=READ, keyed=False, handle=send_ready),
    ]
    for model in scored_models(service):
        ready = _ready(model, send_ready)
        metadata, infer = _metadata(model, lanes), _Infer(model, lanes).handle
        plain = f"/v2/models/{model.name}"
        for path in (plain, f"{plain}/versions/{model.version}"):
            told = path == plain
            routes += [
                Route(path=path, methods=READ, keyed=True, handle=metadata, told=told),
                Route(path=f"{path}/ready", methods=READ, keyed=False, handle=ready, told=told),
                Route(path=f"{path}/infer", methods=("POST",), keyed=True, handle=infer, model=model.name, told=told),
            ]
    return routes


def _live(exchange: Exchange) -> None:
    exchange.send(b'{"live":true}')


def _ready(model: ServedModel, send_ready: Callable[..., None]) -> Handle:
    return lambda exchange: send_ready(exchange, name=model.name)


def _metadata(model: ServedModel, lanes: Lanes) -> Handle:
    def handle(exchange: Exchange) -> None:
        lane = lanes.find(model.name)
        if lane is None:
            lanes.hold(exchange)
        else:
            exchange.send(orjson.dumps(description.model(model, description.contract_of(lane.engine))))

    return handle


class _Infer:
    """Reads the requests for one model, and puts them in its queue."""

    def __init__(self, model: ServedModel, lanes: Lanes) -> None:
        self._model = model
        self._lanes = lanes
        self._served = ServedAs(name=model.name, version=str(model.version))
        self._readers: dict[Queue, Reader] = {}

    def handle(self, exchange: Exchange) -> None:
        """Read a request, a large one in steps."""
        lane = self._lanes.find(self._model.name)
        if lane is None:
            self._lanes.hold(exchange)
        elif (known := self._readers.get(lane)) and (work := known.find(exchange.headers, exchange.body)) is not None:
            lane.add(exchange, work)
        elif len(exchange.body) > LARGE or (not exchange.usual and b"content-encoding" in exchange.headers):
            steps = self._in_steps(lane, exchange)
            self._lanes.turns.add(Job(exchange, steps, lambda _, work: lane.add(exchange, work)))
        else:
            lane.add(exchange, self._reader(lane, exchange).read(exchange.headers, exchange.body))

    def _in_steps(self, lane: Queue, exchange: Exchange) -> Generator[None, None, Rows | Packed]:
        encoding = exchange.headers.get(b"content-encoding", b"identity")
        limit = exchange.connection.server.limits.max_body_bytes
        body = yield from expand(encoding, bytes(exchange.body), limit)
        return (yield from self._reader(lane, exchange).read_in_steps(exchange.headers, body))

    def _reader(self, lane: Queue, exchange: Exchange) -> Reader:
        if exchange.content_type not in _KINDS:
            raise ContentTypeError(exchange.content_type.decode("latin-1"), [JSON.decode(), PACKED.decode()])
        found = self._readers.get(lane)
        if found is None:
            contract = description.needed_contract(self._model, lane.engine)
            put_off = getattr(lane.engine, "reads_packed", False)
            found = self._readers[lane] = Reader(contract, self._served, put_off=put_off)
        return found
