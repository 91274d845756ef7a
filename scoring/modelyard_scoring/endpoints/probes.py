"""What says how the service is: ``/``, ``/live``, ``/ready`` and ``/metrics``."""

from __future__ import annotations

from modelyard_scoring import answers
from modelyard_scoring.errors import NotReadyError
from modelyard_scoring.exchange import Exchange
from modelyard_scoring.folder import Service
from modelyard_scoring.metrics import Metrics
from modelyard_scoring.page import page, page_headers
from modelyard_scoring.routes import READ, Route
from modelyard_scoring.scored import scored_models
from modelyard_scoring.server import Server


def probe_routes(service: Service, metrics: Metrics, server: Server) -> list[Route]:
    """Give the routes of probes, which need no key."""

    def root(exchange: Exchange) -> None:
        if b"text/html" in exchange.accept:
            body = page(service, scored_models(service), keyed=server.keyed)
            exchange.send(body, kind=answers.HTML, extra=page_headers())
        else:
            exchange.send(b"Healthy\n", kind=answers.TEXT)

    def live(exchange: Exchange) -> None:
        exchange.send(b'{"status":"live"}')

    def ready(exchange: Exchange) -> None:
        if server.stopping or not metrics.serving():
            raise NotReadyError(server.counters.phase)
        exchange.send(b'{"status":"ready"}')

    def metrics_text(exchange: Exchange) -> None:
        text = metrics.text(service.name, [str(model) for model in service.models])
        exchange.send(text.encode(), kind=b"text/plain; version=0.0.4; charset=utf-8")

    handles = {"/": root, "/live": live, "/ready": ready, "/metrics": metrics_text}
    return [Route(path=path, methods=READ, keyed=False, handle=handle) for path, handle in handles.items()]
