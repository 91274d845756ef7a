"""What a worker answers at each path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import orjson

from modelyard_scoring import answers
from modelyard_scoring.background import Background
from modelyard_scoring.batch import Lane
from modelyard_scoring.errors import ContentTypeError, NotReadyError
from modelyard_scoring.exchange import Exchange
from modelyard_scoring.folder import ServedModel, Service
from modelyard_scoring.metrics import Metrics
from modelyard_scoring.openapi import Document, openapi, swagger
from modelyard_scoring.page import page, page_headers
from modelyard_scoring.routes import Route, Routes
from modelyard_scoring.server import Server
from modelyard_scoring.startup import Loaded

_READ = ("GET", "HEAD")


class Endpoints:
    """The paths of one service, before and after its models are ready."""

    def __init__(self, service: Service, metrics: Metrics, server: Server) -> None:
        self._service = service
        self._metrics = metrics
        self._server = server
        self._lanes: dict[str, Lane] = {}
        self._held: list[Exchange] = []
        self._content_types: dict[bytes, bytes] = {}
        self._scored = scored_models(service)

    def routes(self) -> Routes:
        """List what is served where."""
        routes = [
            Route(path="/", methods=_READ, keyed=False, handle=self._root),
            Route(path="/live", methods=_READ, keyed=False, handle=self._live),
            Route(path="/ready", methods=_READ, keyed=False, handle=self._ready),
            Route(path="/metrics", methods=_READ, keyed=False, handle=self._metrics_text),
            Route(path="/openapi.json", methods=_READ, keyed=True, handle=self._description(openapi)),
            Route(path="/swagger.json", methods=_READ, keyed=True, handle=self._description(swagger)),
            Route(path="/score", methods=("POST",), keyed=True, handle=self._score(self._scored[0].name)),
        ]
        for model in self._scored:
            handle = self._score(model.name)
            routes.append(Route(path=f"/score/{model.name}", methods=("POST",), keyed=True, handle=handle))
        return Routes(routes)

    def open(self, loaded: Sequence[Loaded], thread: Background, loop: asyncio.AbstractEventLoop) -> None:
        """Serve models that are ready; a script runs in the thread that loaded it, long models in their own."""
        counters = self._server.counters
        for one in loaded:
            submit = None
            if runs_in_thread(self._server.settings.run_in, one):
                submit = (thread if one.engine.blocks else Background(loop, one.model.name)).submit
            lane = Lane(one.engine, self._service.limits, soon=loop.call_soon, submit=submit, ran=counters.ran)
            self._lanes[one.model.name] = lane

    def handle_held(self) -> None:
        """Carry out the requests that came while the models were being loaded."""
        held, self._held = self._held, []
        for exchange in held:
            if exchange.wanted:
                self._server.handle(exchange)

    def give_up_if_stuck(self) -> bool:
        """Tell whether a script's run never ends; then those waiting behind it are told to try again."""
        timeout = self._service.limits.timeout
        stuck = any(lane.engine.blocks and lane.stuck(timeout) for lane in self._lanes.values())
        if stuck:
            for lane in self._lanes.values():
                lane.abandon(NotReadyError("restarting"))
        return stuck

    def _root(self, exchange: Exchange) -> None:
        if b"text/html" in exchange.headers.get(b"accept", b""):
            body = page(self._service, self._scored, keyed=self._server.keyed)
            exchange.send(body, kind=answers.HTML, extra=page_headers())
        else:
            exchange.send(b"Healthy\n", kind=answers.TEXT)

    def _live(self, exchange: Exchange) -> None:
        exchange.send(b'{"status":"live"}')

    def _ready(self, exchange: Exchange) -> None:
        if self._server.stopping or not self._metrics.serving():
            raise NotReadyError(self._server.counters.phase)
        exchange.send(b'{"status":"ready"}')

    def _metrics_text(self, exchange: Exchange) -> None:
        text = self._metrics.text(self._service.name, [str(model) for model in self._service.models])
        exchange.send(text.encode(), kind=b"text/plain; version=0.0.4; charset=utf-8")

    def _description(self, describe: Callable[..., Document]) -> Callable[[Exchange], None]:
        document = describe(self._service, self._scored, keyed=self._server.keyed)
        body = orjson.dumps(document)
        return lambda exchange: exchange.send(body)

    def _score(self, name: str) -> Callable[[Exchange], None]:
        def handle(exchange: Exchange) -> None:
            lane = self._lanes.get(name)
            if lane is None:
                self._hold(exchange)
                return
            if exchange.headers.get(b"content-encoding", b"identity") != b"identity":
                raise ContentTypeError("compressed", ["the body uncompressed"])
            content_type = self._content_type(exchange.headers.get(b"content-type", b""))
            work = lane.engine.decode(bytes(exchange.body), content_type)
            exchange.rows = work.count
            lane.add(exchange, work)

        return handle

    def _hold(self, exchange: Exchange) -> None:
        """Keep a request until the models are ready, if other workers made the service seem so."""
        if not self._metrics.serving() or len(self._held) >= self._service.limits.max_queue:
            raise NotReadyError(self._server.counters.phase)
        self._held.append(exchange)

    def _content_type(self, header: bytes) -> bytes:
        """Give the type without parameters; those already seen are remembered."""
        known = self._content_types.get(header)
        if known is None:
            known = _parse_content_type(header)
            if len(self._content_types) < 100:
                self._content_types[header] = known
        return known


def scored_models(service: Service) -> list[ServedModel]:
    """List what answers requests, the one at ``/score`` first: the script, if there is one, and ONNX models."""
    others = [model for model in service.models if model.engine != "script"]
    if service.code is None:
        return others
    scripts = [model for model in service.models if model.engine == "script"]
    script = ServedModel(name=service.name, version=1, path=service.code.path, engine="script", files={})
    return [*scripts[:1], *others] if scripts else [script, *others]


def runs_in_thread(run_in: str, loaded: Loaded) -> bool:
    """Decide where a model runs; what blocks is never run in the loop."""
    if run_in == "auto" or loaded.engine.blocks:
        return loaded.long
    return run_in == "thread"


def _parse_content_type(header: bytes) -> bytes:
    kind, _, parameters = header.partition(b";")
    for parameter in parameters.split(b";"):
        name, _, value = parameter.strip().partition(b"=")
        if name.lower() == b"charset" and value.strip(b'"').lower() not in {b"utf-8", b"utf8"}:
            raise ContentTypeError(header.decode("latin-1"), ["the charset utf-8"])
    return kind.strip().lower()
