"""What a worker answers at each path: one module for each family of paths, which makes its own routes."""

from __future__ import annotations

from modelyard_scoring.endpoints.descriptions import description_routes
from modelyard_scoring.endpoints.probes import probe_routes
from modelyard_scoring.endpoints.scoring import scoring_routes
from modelyard_scoring.folder import Service
from modelyard_scoring.lanes import Lanes
from modelyard_scoring.metrics import Metrics
from modelyard_scoring.routes import Routes
from modelyard_scoring.server import Server


def all_routes(service: Service, metrics: Metrics, server: Server, lanes: Lanes) -> Routes:
    """List what is served where."""
    return Routes(
        [
            *probe_routes(service, metrics, server),
            *description_routes(service, server),
            *scoring_routes(service, lanes),
        ]
    )
