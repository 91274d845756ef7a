"""A cluster is a revision: where its replicas are, which of them are asked, and how many requests it takes.

A cluster never changes: its name follows from what it is. With other replicas a revision has another one, whose
requests and counts are its own, and the requests at the earlier one can be seen to end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from modelyard.services.route import Copies, Replica, Route, Upstream
from modelyard.settings import Secret
from modelyard_deploy.router.document import Json, address, seconds, set_header, typed
from modelyard_deploy.router.naming import cluster_name

_KEPT = 60.0
"""Seconds that an idle connection to a replica is kept: the scoring server ends it after 75."""
_COPIES = 32
"""Copies under way, and as many that wait: each keeps a body in memory, and nobody waits for it."""


def clusters(route: Route, keys: Mapping[int, Secret]) -> dict[int, Json]:
    """Make the clusters of a service by revision; `keys` are those that revisions ask for."""
    made = {one.revision: _cluster(route, one, keys.get(one.revision)) for one in route.upstreams}
    return {revision: _named(route.service, revision, cluster) for revision, cluster in made.items()}


def copies_cluster(service: str, mirror: Copies, key: Secret | None) -> Json:
    """Make the cluster of who gets copies of requests; nobody looks after it, and it holds few requests back."""
    bounds = dict.fromkeys(("max_connections", "max_requests", "max_pending_requests"), _COPIES)
    cluster = _static([mirror.to], bounds, key)
    return _named(service, "copies", cluster)


def _named(service: str, part: int | str, cluster: Json) -> Json:
    digest = hashlib.sha256(msgspec.json.encode(cluster)).hexdigest()[:8]
    name = cluster_name(service, part, digest)
    return {**cluster, "name": name, "load_assignment": {**cluster["load_assignment"], "cluster_name": name}}


def _cluster(route: Route, upstream: Upstream, key: Secret | None) -> Json:
    return {
        **_static(upstream.replicas, _bounds(route), key),
        "lb_policy": "LEAST_REQUEST",
        "health_checks": [_health_check()],
        "ignore_health_on_host_removal": True,
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},  # else one that is not ready is asked as well
        "outlier_detection": _ejection(),
    }


def _static(replicas: Sequence[Replica], bounds: Json, key: Secret | None) -> Json:
    endpoints = [{"endpoint": {"address": address(one.host, one.port)}} for one in replicas]
    return typed(
        "envoy.config.cluster.v3.Cluster",
        type_="STATIC",
        connect_timeout="1s",
        load_assignment={"endpoints": [{"lb_endpoints": endpoints}]},
        circuit_breakers={"thresholds": [bounds]},
        typed_extension_protocol_options={"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _protocol(key)},
    )


def _health_check() -> Json:
    return {
        "timeout": "1s",
        "interval": "1s",
        "no_traffic_interval": "1s",
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        "http_health_check": {"path": "/ready"},
    }


def _ejection() -> Json:
    """Leave out a replica to which no connection can be made; what a model answers counts for nothing."""
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 3,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "enforcing_local_origin_success_rate": 0,
        "interval": "2s",
        "base_ejection_time": "2s",
        "max_ejection_percent": 50,
    }


def _bounds(route: Route) -> Json:
    limits = route.limits
    return {
        "max_connections": limits.active,
        "max_requests": limits.active,
        "max_pending_requests": limits.waiting,
        "max_retries": limits.active,  # all that were under way at a replica are sent again when it is killed
    }


def _protocol(key: Secret | None) -> Json:
    filters = [
        {"name": "codec", "typed_config": typed("envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec")}
    ]
    if key is not None:
        filters.insert(0, {"name": "key", "typed_config": _presented(key)})
    return typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options={"idle_timeout": seconds(_KEPT)},
        explicit_http_config={"http_protocol_options": {}},
        http_filters=filters,
    )


def _presented(key: Secret) -> Json:
    """Present a key here and not in the routes, so that a copied request has the key of who gets it."""
    mutation = {"append": set_header("x-api-key", key.reveal())}
    kind = "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"
    return typed(kind, mutations={"request_mutations": [mutation]})
