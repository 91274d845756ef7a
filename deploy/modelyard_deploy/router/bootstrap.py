"""What Envoy is started with: where it is asked, where its documents are, and what it counts."""

from __future__ import annotations

from modelyard_deploy.router.document import Json, typed, watched
from modelyard_deploy.router.naming import ADMIN_SOCKET, CLUSTERS, GLOBAL, LISTENERS

_COUNTED = (
    r"cluster\.[^.]+\.upstream_rq_([1-5]xx|active|pending_active|pending_overflow|retry|time)",
    r"cluster\.[^.]+\.membership_(healthy|total)",
    r"cluster_manager\.(cds\..*|warming_clusters)",
    r"listener_manager\.(lds\..*|total_listeners_warming)",
    r"http\.[^.]+\.(rds\..*|downstream_rq_active|downstream_cx_active|downstream_rq_[1-5]xx)",
    r".*extension_config_discovery\..*",
    r"server\.(live|uptime|memory_allocated)",
)
"""What is counted; Envoy knows some hundred numbers more of each cluster."""

_MOST_CONNECTIONS = 50_000


def bootstrap() -> Json:
    """Make the document.

    Envoy sums up what it counts when it is asked and not by a clock, so that a reading is of now.
    """
    return {
        "node": {"id": "router", "cluster": "modelyard"},
        "admin": {"address": {"pipe": {"path": ADMIN_SOCKET, "mode": 0o600}}},
        "dynamic_resources": {"cds_config": watched(GLOBAL, CLUSTERS), "lds_config": watched(GLOBAL, LISTENERS)},
        "stats_flush_on_admin": True,
        "stats_config": {"stats_matcher": {"inclusion_list": {"patterns": [_pattern(one) for one in _COUNTED]}}},
        "overload_manager": {"resource_monitors": [_bounds()]},
    }


def _pattern(regex: str) -> Json:
    return {"safe_regex": {"regex": regex}}


def _bounds() -> Json:
    kind = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    bound = typed(kind, max_active_downstream_connections=_MOST_CONNECTIONS)
    return {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": bound}
