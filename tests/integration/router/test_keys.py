"""The keys of clients, and those that revisions ask for."""

import json

import pytest
from tests.integration.router.conftest import KEY, Asked, request, score, wait_until
from tests.integration.router.test_changes import TURNS, under_traffic
from tests.integration.scoring.scenarios.traffic import call, drive

from modelyard.services.route import Copies

OTHER = KEY[::-1]


@pytest.mark.parametrize("key", [KEY, OTHER])
@pytest.mark.parametrize("form", ["Bearer {}", "{}"])
def test_either_key_opens(router, route, serve, port, write_keys, key, form):
    server = serve(1)
    router.apply(route(server, weights={1: 1}, keys=write_keys(primary=KEY, secondary=OTHER)))

    name = "authorization" if "Bearer" in form else "x-api-key"

    assert score(port, **{name: form.format(key)})[:2] == (200, "1")
    seen = server.asked()["seen"]
    assert name not in seen
    assert seen["x-modelyard-client"] == ("primary" if key == KEY else "secondary")


@pytest.mark.parametrize("headers", [{}, {"x-api-key": KEY + "x"}, {"authorization": "Bearer "}, {"x-api-key": ""}])
def test_no_other_key_opens(router, route, serve, port, write_keys, headers):
    server = serve(1)
    router.apply(route(server, weights={1: 1}, keys=write_keys(primary=KEY)))

    status, found, body = request(port, path="/v2/models/m/infer", body="{}", headers=headers)

    assert (status, json.loads(body)["code"]) == (401, "wrong-key")
    assert json.loads(body).keys() == {"code", "text", "error", "request_id"}
    assert found["www-authenticate"].startswith("Bearer")
    assert request(port, body="{}", headers={**headers, "x-modelyard-revision": "1"})[0] == 401
    assert server.asked()["count"] == 0


@pytest.mark.parametrize("path", ["/ready", "/live", "/v2/health/ready", "/v2/health/live"])
def test_probes_need_no_key(router, route, serve, port, write_keys, path):
    router.apply(route(serve(1), weights={1: 1}, keys=write_keys(primary=KEY)))

    assert request(port, "GET", path)[0] == 200


@pytest.mark.parametrize("path", ["/score/ready", "/live/../score", "/v2/health/live/x", "//live", "/%6cive/"])
def test_what_looks_like_a_probe_needs_a_key(router, route, serve, port, write_keys, path):
    router.apply(route(serve(1), weights={1: 1}, keys=write_keys(primary=KEY)))

    assert request(port, "GET", path)[0] == 401


def test_what_browsers_ask_first_needs_no_key(router, route, serve, port, write_keys):
    router.apply(route(serve(1), weights={1: 1}, keys=write_keys(primary=KEY)))
    asks = {"origin": "http://a.example", "access-control-request-method": "POST"}

    assert request(port, "OPTIONS", headers=asks)[0] == 200
    assert request(port, "OPTIONS")[0] == 401
    assert request(port, headers=asks)[0] == 401


def test_a_rotation_costs_no_request(router, route, serve, port, write_keys):
    server = serve(1)
    wanted = route(server, weights={1: 1}, keys=write_keys(primary=KEY, secondary=OTHER))
    router.apply(wanted)
    asked = Asked(authorization=f"Bearer {KEY}")

    def status(key):
        return score(port, **{"x-api-key": key})[0]

    async def rotate(traffic, _):
        for turn in range(TURNS):
            write_keys(primary=KEY, secondary=f"{OTHER}{turn}")
            await call(router.apply, wanted)
            assert await call(status, f"{OTHER}{turn}") == 200
            assert await call(status, f"{OTHER}{turn - 1}") == 401

    report, _ = under_traffic(port, rotate, asked=asked)

    report.assert_min_samples(150).assert_all_answered()


def test_keys_come_and_go(router, route, serve, port, write_keys):
    server = serve(1)
    router.apply(route(server, weights={1: 1}))
    assert score(port)[0] == 200
    router.apply(route(server, weights={1: 1}, keys=write_keys(primary=KEY)))
    assert score(port)[0] == 401
    router.apply(route(server, weights={1: 1}))
    assert score(port)[0] == 200


def test_each_revision_is_presented_its_own_key_and_so_is_who_gets_copies(router, route, serve, port, write_keys):
    first, second, third = serve(1), serve(2), serve(3)
    keys = {1: write_keys("first", primary="%REQ(x-user)%-first"), 2: write_keys("second", primary=OTHER)}
    first.behave(key="%REQ(x-user)%-first")
    second.behave(key=OTHER)
    mirror = Copies(percent=100, to=third.replica, keys=write_keys("third", primary=KEY))
    router.apply(route(first, second, weights={1: 1}, mirror=mirror, upstream_keys=keys))

    drive(port, Asked().load, 100, 0.5).assert_min_samples(50).assert_all_answered()

    wait_until(lambda: third.asked()["count"] == 50)
    assert third.asked()["seen"]["x-api-key"] == KEY
    assert score(port, **{"x-modelyard-revision": "2", "x-api-key": "what the client says"})[0] == 200


def test_no_key_is_in_a_file_that_others_read(router, route, serve, folder, write_keys):
    router.apply(route(serve(1), weights={1: 1}, keys=write_keys(primary=KEY)))

    holding = [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]

    assert len(holding) == 3  # the caller's, Envoy's, and the state
    assert {path.stat().st_mode & 0o777 for path in holding} == {0o600}
