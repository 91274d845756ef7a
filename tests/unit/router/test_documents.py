"""The documents that Envoy reads."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from modelyard.services.route import Copies, Limits, Replica, Route, Sticky, Tls, Upstream
from modelyard.settings import Secret
from modelyard_deploy.router.bootstrap import bootstrap
from modelyard_deploy.router.clusters import clusters, copies_cluster
from modelyard_deploy.router.document import document, seconds, set_header, version
from modelyard_deploy.router.keys import keys
from modelyard_deploy.router.listeners import listener
from modelyard_deploy.router.routes import routes

KEY = Secret("one-key-of-many-%s-")


def _upstream(revision: int, **more) -> Upstream:
    return Upstream(revision=revision, replicas=(Replica(port=8000 + revision),), **more)


def _route(*upstreams: Upstream, **more) -> Route:
    chosen = upstreams or (_upstream(1, weight=90), _upstream(2, weight=10))
    return Route(**{"service": "a.digits", "port": 9000, "upstreams": chosen, **more})


CLUSTERS = {number: f"cluster-{number}" for number in (1, 2, 3)}


def _made(route: Route):
    clusters = {upstream.revision: CLUSTERS[upstream.revision] for upstream in route.upstreams}
    return routes(route, clusters, "copies")["virtual_hosts"][0]["routes"]


def _filters(route: Route):
    return [one["name"] for one in listener(route)["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"]]


def test_the_version_follows_from_the_resources() -> None:
    assert version(document([{"a": 1}])) == version(document([{"a": 1}])) != version(document([{"a": 2}]))


def test_seconds_are_written_plainly() -> None:
    assert [seconds(value) for value in (60, 0.25, 1e-3)] == ["60s", "0.25s", "0.001s"]


def test_a_percent_sign_in_a_header_means_itself() -> None:
    assert set_header("x", "%REQ(secret)%")["header"]["value"] == "%%REQ(secret)%%"


def test_a_name_in_envoy_has_no_dot() -> None:
    made = {number: cluster["name"].rpartition("/")[0] for number, cluster in clusters(_route(), {}).items()}

    assert made == {1: "a~digits/1", 2: "a~digits/2"}
    assert listener(_route())["name"] == routes(_route(), CLUSTERS)["name"] == "a~digits"


def test_a_cluster_is_another_when_anything_of_it_changes() -> None:
    def name(*replicas: int, key=None, **more) -> str:
        upstream = Upstream(revision=1, replicas=tuple(Replica(port=port) for port in replicas), weight=1)
        return clusters(_route(upstream, **more), {1: key} if key else {})[1]["name"]

    names = [name(1), name(2), name(1, 2), name(1, key=KEY), name(1, limits=Limits(active=1))]

    assert len(set(names)) == len(names)
    assert name(1) == name(1, timeout=5, port=1234)


def test_the_last_route_shares_by_weight_in_the_order_of_the_revisions() -> None:
    weighted = _made(_route(_upstream(2, weight=10), _upstream(1, weight=90)))[-1]["route"]["weighted_clusters"]

    assert [(one["name"], one["weight"]) for one in weighted["clusters"]] == [("cluster-1", 90), ("cluster-2", 10)]
    assert "use_hash_policy" not in weighted


def test_each_revision_has_a_route_by_its_number_and_other_numbers_have_none() -> None:
    *named, unknown, _ = _made(_route())

    assert [one["match"]["headers"][0]["string_match"]["exact"] for one in named] == ["1", "2"]
    assert unknown["direct_response"]["status"] == 404


def test_what_is_sticky_is_chosen_by_a_hash() -> None:
    for sticky, policy in (
        (Sticky(by="header", name="x-user"), {"header": {"header_name": "x-user"}, "terminal": True}),
        (Sticky(by="cookie", name="user"), {"cookie": {"name": "user"}, "terminal": True}),
    ):
        action = _made(_route(sticky=sticky))[-1]["route"]

        assert action["weighted_clusters"]["use_hash_policy"] is True
        assert action["hash_policy"] == [policy]


def test_a_mirror_gets_its_share_of_what_is_shared_by_weight() -> None:
    made = _made(_route(mirror=Copies(percent=2.5, to=Replica(port=7000))))

    (policy,) = made[-1]["route"]["request_mirror_policies"]
    assert policy["cluster"] == "copies"
    assert policy["runtime_fraction"]["default_value"] == {"numerator": 25_000, "denominator": "MILLION"}
    assert "request_mirror_policies" not in made[0]["route"]


def test_who_gets_copies_is_a_cluster_of_its_own_that_nobody_looks_after() -> None:
    made = copies_cluster("a.digits", Copies(percent=1, to=Replica(port=7000)), None)
    other = copies_cluster("a.digits", Copies(percent=1, to=Replica(port=7000)), KEY)

    assert made["name"].startswith("a~digits/copies/")
    assert made["name"] != other["name"]
    assert "health_checks" not in made


def test_a_request_that_may_not_be_repeated_is_repeated_only_if_it_has_not_left() -> None:
    policies = [_made(_route(retry=retry))[-1]["route"]["retry_policy"] for retry in (True, False)]

    assert [one["retry_on"] for one in policies] == [
        "connect-failure,refused-stream,reset,retriable-headers",
        "connect-failure,refused-stream",
    ]
    assert all(one["num_retries"] == 1 for one in policies)


def test_all_but_probes_and_preflights_needs_the_key() -> None:
    made = _made(_route(keys="/k/keys.json"))
    unlocked = [one for one in made if "typed_per_filter_config" in one]

    assert len(unlocked) == 2 * len(made) // 3
    assert {one["match"].get("prefix") for one in made if one not in unlocked} == {"/"}
    assert _filters(_route(keys="/k/keys.json"))[0] == "keys/a~digits"
    assert _filters(_route()) == ["body", "router"]


def test_the_keys_are_in_their_own_document_and_in_no_other() -> None:
    route = _route(keys="/k/keys.json")
    others = msgspec.json.encode([routes(route, CLUSTERS), listener(route), clusters(route, {}), bootstrap()])

    assert KEY.reveal() in msgspec.json.encode(keys("a.digits", (KEY,))).decode()
    assert KEY.reveal().encode() not in others


def test_a_revision_is_presented_its_own_key() -> None:
    one, other = clusters(_route(), {2: KEY}).values()

    assert b"x-api-key" not in msgspec.json.encode(one)
    assert KEY.reveal().replace("%", "%%").encode() in msgspec.json.encode(other)


def test_nothing_that_changes_often_is_in_the_listener() -> None:
    first = _route(timeout=1, retry=False)
    second = _route(_upstream(3, weight=1), timeout=9, sticky=Sticky(by="header", name="user"))

    assert listener(first) == listener(second)


def test_tls_is_a_socket_with_a_certificate_that_is_read_elsewhere() -> None:
    tls = Tls(certificate="/c/cert.pem", key="/c/key.pem")

    assert "transport_socket" in listener(_route(tls=tls))["filter_chains"][0]
    assert "transport_socket" not in listener(_route())["filter_chains"][0]


def test_a_listener_has_its_port_alone() -> None:
    assert listener(_route())["enable_reuse_port"] is False


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", fullmatch=True), st.integers(1, 2**32 - 1))
def test_no_two_services_share_a_name_in_envoy(service: str, revision: int) -> None:
    (cluster,) = clusters(_route(_upstream_of(revision), service=service), {}).values()
    name, number, _ = cluster["name"].split("/")

    assert (name.replace("~", "."), int(number)) == (service, revision)
    assert "." not in cluster["name"]


def _upstream_of(revision: int) -> Upstream:
    return Upstream(revision=revision, replicas=(Replica(port=8000),), weight=1)
