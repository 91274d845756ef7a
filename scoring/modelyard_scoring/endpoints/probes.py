"""What says how the service is: ``/``, ``/live``, ``/ready`` and ``/metrics``."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from modelyard_scoring import __version__, answers
from modelyard_scoring.descriptions.page import page, page_headers
from modelyard_scoring.errors import NotReadyError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.routes import READ, Route
from modelyard_scoring.http1.server import Server
from modelyard_scoring.service.folder import Service
from modelyard_scoring.service.scored import scored_models
from modelyard_scoring.telemetry import exposition
from modelyard_scoring.telemetry.metrics import Metrics

_WRITTEN_A_TICK = 3


class Kept:
    """A text that is written a few times a tick: whoever asks without end does not keep the loop from others."""

    def __init__(self, write: Callable[[], bytes]) -> None:
        self._write = write
        self._tick = -inf
        self._left = 0
        self._text = b""

    def text(self, now: float) -> bytes:
        """Give the text, as it is or as it was in the tick at `now`."""
        if now != self._tick:
            self._tick, self._left = now, _WRITTEN_A_TICK
        if self._left:
            self._left -= 1
            self._text = self._write()
        return self._text


def probe_routes(service: Service, metrics: Metrics, server: Server) -> list[Route]:
    """Give the routes of probes, which need no key."""
    models = ",".join(str(model) for model in service.models)
    image = server.settings.image or ""
    info = {"service": service.name, "models": models, "version": __version__, "image": image}

    def root(exchange: Exchange) -> None:
        if b"text/html" in exchange.accept:
            metrics = server.settings.admin_port is None
            body = page(service, scored_models(service), keyed=server.keyed, metrics=metrics)
            exchange.send(body, kind=answers.HTML, extra=page_headers())
        else:
            exchange.send(b"Healthy\n", kind=answers.TEXT)

    def live(exchange: Exchange) -> None:
        exchange.send(b'{"status":"live"}')

    def ready(exchange: Exchange) -> None:
        if server.stopping or not metrics.serving():
            raise NotReadyError(server.counters.phase)
        exchange.send(b'{"status":"ready"}')

    kept = Kept(lambda: exposition.write_text(metrics, info))

    def metrics_text(exchange: Exchange) -> None:
        server.counters.publish()
        exchange.send(kept.text(server.now), kind=exposition.KIND)

    handles = {"/": root, "/live": live, "/ready": ready, "/metrics": metrics_text}
    return [Route(path=path, methods=READ, keyed=False, handle=handle) for path, handle in handles.items()]
