"""What a worker answers at each path: one module for each family of paths, which makes its own routes."""

from __future__ import annotations

from modelyard_scoring.endpoints.application import application_route
from modelyard_scoring.endpoints.descriptions import description_routes
from modelyard_scoring.endpoints.inference import inference_routes
from modelyard_scoring.endpoints.probes import probe_routes
from modelyard_scoring.endpoints.scoring import scoring_routes
from modelyard_scoring.http1.routes import Routes
from modelyard_scoring.http1.server import Server
from modelyard_scoring.queues.lanes import Lanes
from modelyard_scoring.service.folder import Service
from modelyard_scoring.telemetry.metrics import Metrics


def all_routes(service: Service, metrics: Metrics, server: Server, lanes: Lanes) -> Routes:
    """List what is served where; metrics are not, where a port of their own has them."""
    probes = probe_routes(service, metrics, server)
    if server.settings.admin_port is not None:
        probes = [route for route in probes if route.path != "/metrics"]
    if service.code is not None and service.code.application is not None:
        own = [route for route in probes if route.path != "/"]
        return Routes(own, rest=application_route(service, lanes))
    return Routes(
        [
            *probes,
            *description_routes(service, server, lanes),
            *scoring_routes(service, lanes),
            *inference_routes(service, metrics, server, lanes),
        ]
    )


def admin_routes(service: Service, metrics: Metrics, server: Server) -> Routes:
    """List what is served at the port for health and metrics, about the server that scores."""
    return Routes(route for route in probe_routes(service, metrics, server) if route.path != "/")
