"""Which revision a request goes to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from modelyard.services.route import Copies, Route, Sticky, Upstream
from modelyard_deploy.router.document import Json, seconds, set_header, typed
from modelyard_deploy.router.naming import REVISION_HEADER, inner, keys_name

UNKNOWN_REVISION = "unknown-revision"
"""What a request for a revision that is not there is answered with; the listener makes it an error's JSON."""

_OPEN = "/(v2/health/)?(live|ready)"
"""The paths that need no key at the scoring server, and so none here."""


def routes(route: Route, clusters: Mapping[int, str], copies: str | None = None) -> Json:
    """Make the routes of a service, of which the first that fits a request counts.

    Parameters
    ----------
    clusters
        The names of the clusters, by revision.
    copies
        The name of the cluster that gets copies.
    """
    named = [_by_name(route, number, cluster) for number, cluster in clusters.items()]
    targets = [*named, _none_of_that_name(), _by_weight(route, clusters, copies)]
    made = [_join(access, target) for access, target in product(_accesses(route), targets)]
    host = {"name": inner(route.service), "domains": ["*"], "routes": made}
    kind = "envoy.config.route.v3.RouteConfiguration"
    return typed(kind, name=inner(route.service), virtual_hosts=[host], validate_clusters=False)


def _accesses(route: Route) -> list[Json]:
    """Say what needs a key: all but probes, and what browsers ask before they send one."""
    everything = {"match": {"prefix": "/"}}
    if route.keys is None:
        return [everything]
    unlocked = typed("envoy.config.route.v3.FilterConfig", disabled=True)
    without = {"typed_per_filter_config": {keys_name(route.service): unlocked}}
    preflight = [_header(":method", {"exact": "OPTIONS"}), _present("access-control-request-method")]
    return [
        {"match": {"safe_regex": {"regex": _OPEN}}, **without},
        {"match": {"prefix": "/", "headers": preflight}, **without},
        everything,
    ]


def _join(access: Json, target: Json) -> Json:
    headers = [*access["match"].get("headers", []), *target.get("match", {}).get("headers", [])]
    return {**access, **target, "match": {**access["match"], "headers": headers}}


def _header(name: str, match: Json) -> Json:
    return {"name": name, "string_match": match}


def _present(name: str) -> Json:
    return {"name": name, "present_match": True}


def _by_name(route: Route, revision: int, cluster: str) -> Json:
    wanted = _header(REVISION_HEADER, {"exact": str(revision)})
    action = {"cluster": cluster, **_action(route)}
    return {"match": {"headers": [wanted]}, "route": action, "response_headers_to_add": [_answered(revision)]}


def _none_of_that_name() -> Json:
    answer = {"status": 404, "body": {"inline_string": UNKNOWN_REVISION}}
    return {"match": {"headers": [_present(REVISION_HEADER)]}, "direct_response": answer}


def _by_weight(route: Route, clusters: Mapping[int, str], copies: str | None) -> Json:
    in_order = sorted(route.upstreams, key=lambda one: one.revision)  # a user's place between the weights hangs on it
    weighted: Json = {"clusters": [_weighted(one, clusters[one.revision]) for one in in_order]}
    action = {"weighted_clusters": weighted, **_action(route)}
    if route.mirror is not None and copies is not None:
        action["request_mirror_policies"] = [_mirror(route.mirror, copies)]
    if route.sticky is not None:
        weighted["use_hash_policy"] = True
        action["hash_policy"] = [_hashed(route.sticky)]
    return {"route": action}


def _weighted(upstream: Upstream, cluster: str) -> Json:
    added = [_answered(upstream.revision)]
    return {"name": cluster, "weight": upstream.weight, "response_headers_to_add": added}


def _answered(revision: int) -> Json:
    return set_header(REVISION_HEADER, str(revision))


def _action(route: Route) -> Json:
    causes = ["connect-failure", "refused-stream", *(["reset", "retriable-headers"] if route.retry else [])]
    not_ready = _header("x-modelyard-error", {"exact": "not-ready"})  # as one that was just started again answers
    elsewhere = typed("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")
    retry = {
        "retry_on": ",".join(causes),
        "retriable_headers": [not_ready],
        "num_retries": 1,
        "retry_host_predicate": [{"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": elsewhere}],
        "host_selection_retry_max_attempts": 100,  # a dead one has the fewest requests, so it is chosen first
        "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.05s"},
    }
    return {"timeout": seconds(route.timeout), "idle_timeout": seconds(route.timeout + 1), "retry_policy": retry}


def _mirror(mirror: Copies, cluster: str) -> Json:
    share = {"numerator": round(mirror.percent * 10_000), "denominator": "MILLION"}
    return {
        "cluster": cluster,
        "runtime_fraction": {"default_value": share},
        "disable_shadow_host_suffix_append": True,  # a scoring server refuses hosts that are not its own
    }


def _hashed(sticky: Sticky) -> Json:
    if sticky.by == "header":
        return {"header": {"header_name": sticky.name}, "terminal": True}
    return {"cookie": {"name": sticky.name}, "terminal": True}
