"""Spans of requests, sent by OTLP over HTTP to whoever collects traces; the one module that knows OpenTelemetry.

The spans of a request are made when it is answered, of what was measured anyway. The variables of OpenTelemetry's own
that begin with ``OTEL_`` count too, such as ``OTEL_TRACES_SAMPLER`` and ``OTEL_EXPORTER_OTLP_HEADERS``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modelyard_scoring import __version__
from modelyard_scoring.errors import MissingPackageError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter

    from modelyard_scoring.telemetry.access_log import Answered
    from modelyard_scoring.telemetry.correlation import Trace

_PATH = "/v1/traces"
_EXPORT_TIMEOUT = 5.0
_CLOSE_TIMEOUT = 3.0  # seconds that the end of a worker waits for what is not sent yet
_NANO = 1_000_000_000


def check_tracing() -> None:
    """Check that what sends spans is installed.

    Raises
    ------
    MissingPackageError
        If it is not.
    """
    for package in ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"):
        try:
            found = find_spec(package)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise MissingPackageError("--trace-endpoint", "opentelemetry-exporter-otlp-proto-http", "tracing")


class Tracing:
    """Sends a span for each request, with one below it for the time in the queue and one for the model's run.

    Parameters
    ----------
    endpoint
        The URL of the collector; without a path the usual one is taken.
    """

    def __init__(self, endpoint: str, service: str, versions: Mapping[str, int]) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        url = endpoint if urlsplit(endpoint).path.strip("/") else endpoint.rstrip("/") + _PATH
        resource = Resource.create({"service.name": service})
        exporter: SpanExporter = OTLPSpanExporter(endpoint=url, timeout=_EXPORT_TIMEOUT)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("modelyard_scoring", __version__)
        self._versions = versions

    def note(self, exchange: Answered, status: int, reason: str | None, seconds: float) -> None:
        """Make the spans of a request that took `seconds`."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

        end = time.time_ns()
        offset = end - int(perf_counter() * _NANO)
        begin, run = end - int(seconds * _NANO), exchange.run
        ids = exchange.correlation
        parent = _context(None if ids is None else ids.trace)
        method, path = exchange.method.decode("latin-1"), _path(exchange)
        span = self._tracer.start_span(
            "refused" if exchange.route is None else f"{method} {path}",
            parent,
            SpanKind.SERVER,
            attributes=self._attributes(exchange, status, reason),
            start_time=begin,
        )
        if run is not None and span.is_recording():
            inside = set_span_in_context(span)
            began = offset + int(run.began * _NANO)
            self._tracer.start_span("queue", inside, start_time=begin).end(max(begin, began))
            self._tracer.start_span("model", inside, start_time=began).end(began + int(run.seconds * _NANO))
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR, reason))
        span.end(end)

    def close(self) -> None:
        """Send what is not sent yet; a collector that does not answer is not waited for long."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSE_TIMEOUT)

    def _attributes(self, exchange: Answered, status: int, reason: str | None) -> dict[str, Any]:
        route, facts = exchange.route, dict[str, Any]()
        facts["http.request.method"] = exchange.method.decode("latin-1")
        facts["url.path"] = _path(exchange)
        facts["http.response.status_code"] = status
        facts["modelyard.request_id"] = exchange.request_id
        if route is not None and route.model:
            facts |= {"modelyard.model": route.model, "modelyard.version": self._versions[route.model]}
        if exchange.rows:
            facts["modelyard.rows"] = exchange.rows
        if reason is not None:
            facts["error.type"] = reason
        return facts


def _path(exchange: Answered) -> str:
    return exchange.target.partition(b"?")[0][:200].decode("latin-1")


def _context(trace: Trace | None) -> Context | None:
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    if trace is None:
        return Context()
    flags = TraceFlags(int(trace.flags, 16))
    span = SpanContext(int(trace.trace_id, 16), int(trace.parent_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(span), Context())
