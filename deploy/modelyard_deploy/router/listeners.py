"""Where a service listens, what it takes, and what it writes of each request.

Nothing of this changes with the weights, the revisions or the timeout: a change here has clients connect again.
"""

from __future__ import annotations

from typing import Any

from modelyard.services.route import Limits, Route
from modelyard_deploy.router.answers import local_replies
from modelyard_deploy.router.certificates import transport
from modelyard_deploy.router.document import Json, address, seconds, typed, watched
from modelyard_deploy.router.keys import CLIENT_HEADER, keys_filter
from modelyard_deploy.router.naming import LOGS, REVISION_HEADER, ROUTES, counted_name, inner, service_folder

_HTTP = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

_NOBODY = {"address_prefix": "255.255.255.255", "prefix_len": 32}
"""The broadcast address, from which no connection comes; with no address at all Envoy takes loopback to be inside."""

_LINE = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%PATH(NQ)%",  # a query may hold what is nobody's business
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "revision": f"%RESP({REVISION_HEADER})%",
    "replica": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "milliseconds": "%DURATION%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "client": f"%REQ({CLIENT_HEADER})%",
}


def listener(route: Route) -> Json:
    """Make the listener of a service."""
    chain: Json = {"filters": [{"name": "http", "typed_config": _http(route)}]}
    if route.tls is not None:
        chain["transport_socket"] = transport(route.service)
    return typed(
        "envoy.config.listener.v3.Listener",
        name=inner(route.service),
        address=address(route.host, route.port),
        filter_chains=[chain],
        per_connection_buffer_limit_bytes=2**20,
        enable_reuse_port=False,  # else a second Envoy could take half of the connections unseen
    )


def _http(route: Route) -> Json:
    service = inner(route.service)
    source = watched(service_folder(route.service), ROUTES)
    return typed(
        _HTTP,
        stat_prefix=counted_name(route.service),
        rds={"config_source": source, "route_config_name": service},
        http_filters=_filters(route),
        access_log=[_log(route.service)] if route.access_log else [],
        local_reply_config=local_replies(),
        server_name="modelyard",
        **_identity(),
        **_bounds(route.limits),
    )


def _identity() -> Json:
    """Say whom the router believes: nobody, but for the id of a request, which is kept if it is given."""
    return {
        "use_remote_address": True,
        "internal_address_config": {"cidr_ranges": [_NOBODY]},  # who may set Envoy's own headers, such as timeouts
        "generate_request_id": True,
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
    }


def _bounds(limits: Limits) -> dict[str, Any]:
    connection = {
        "idle_timeout": seconds(limits.idle_timeout),
        "max_headers_count": 100,
        "headers_with_underscores_action": "DROP_HEADER",  # to WSGI they would be the same as those with a hyphen
    }
    streams = {"max_concurrent_streams": 100, "initial_stream_window_size": 65536}
    return {
        "request_headers_timeout": seconds(limits.header_timeout),
        "request_timeout": seconds(limits.body_timeout),
        "stream_idle_timeout": seconds(limits.body_timeout),
        "max_request_headers_kb": 16,
        "drain_timeout": "5s",
        "normalize_path": True,
        "common_http_protocol_options": connection,
        "http2_protocol_options": {**streams, "initial_connection_window_size": 2**20},
    }


def _filters(route: Route) -> list[Json]:
    buffer = typed("envoy.extensions.filters.http.buffer.v3.Buffer", max_request_bytes=route.limits.body)
    router = typed("envoy.extensions.filters.http.router.v3.Router", suppress_envoy_headers=True)
    return [
        *([keys_filter(route.service)] if route.keys else []),
        {"name": "body", "typed_config": buffer},
        {"name": "router", "typed_config": router},
    ]


def _log(service: str) -> Json:
    kind = "envoy.extensions.access_loggers.file.v3.FileAccessLog"
    return {
        "name": "file",
        "typed_config": typed(kind, path=f"{LOGS}/{service}.log", log_format={"json_format": _LINE}),
    }
