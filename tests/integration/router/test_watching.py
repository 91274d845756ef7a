"""What the router counts and writes down."""

import json
import time

from tests.integration.router.conftest import Asked, request, score, wait_until
from tests.integration.scoring.scenarios.traffic import drive

from modelyard.services.route import Copies
from modelyard_deploy.router import files as router_files


def test_two_readings_tell_what_happened_between_them(router, route, serve, port):
    good, bad = serve(1), serve(2)
    bad.behave(status=500, seconds=0.15)
    router.apply(route(good, bad, weights={1: 1}))
    for _ in range(5):
        score(port)
    before = router.statistics("digits")
    for _ in range(3):
        score(port)
        score(port, **{"x-modelyard-revision": "2"})

    since = router.statistics("digits") - before

    assert since.of(1).answers == {"1xx": 0, "2xx": 3, "3xx": 0, "4xx": 0, "5xx": 0}
    assert (since.of(2).total, since.of(2).failed) == (3, 3)
    assert since.of(1).latencies.total == since.of(2).latencies.total == 3
    assert since.of(2).latencies.quantile(0.5) >= 0.15
    assert (since.of(1).healthy, since.of(1).replicas, since.of(1).active) == (1, 1, 0)


def test_copies_are_counted_for_no_revision(router, route, serve, port):
    shadow = serve(2)
    router.apply(route(serve(1), weights={1: 1}, mirror=Copies(percent=100, to=shadow.replica)))
    drive(port, Asked().load, 100, 0.5).assert_all_answered()
    wait_until(lambda: shadow.asked()["count"] == 50)

    read = router.statistics("digits")

    assert read.revisions.keys() == {1}
    assert read.of(1).answers["2xx"] == read.of(1).latencies.total == 50


def test_counts_go_on_when_weights_change_and_begin_anew_with_other_replicas(router, route, serve, port):
    server = serve(1)
    router.apply(route(server, weights={1: 1}))
    score(port)
    before = router.statistics("digits")
    router.apply(route(server, serve(2), weights={1: 1, 2: 1}))
    score(port, **{"x-modelyard-revision": "1"})
    assert (router.statistics("digits") - before).of(1).answers["2xx"] == 1
    assert router.statistics("digits").of(1).answers["2xx"] == 2

    router.apply(route(server, serve(1), weights={1: 1}))
    score(port)

    assert (router.statistics("digits") - before).of(1).answers["2xx"] == 1


def test_a_service_with_dots_is_counted_and_shown(router, route, serve, port):
    router.apply(route(serve(1), weights={1: 1}, service="my.digits-2_x"))
    score(port)

    assert router.statistics("my.digits-2_x").of(1).total == 1
    assert 'envoy_cluster_name="my~digits-2_x/1/' in router.metrics()


def lines(folder, count):
    """Wait for so many lines of the log."""
    log = folder / "logs/digits.log"
    deadline = time.monotonic() + 60
    while not log.exists() or len(log.read_text().splitlines()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_each_request_is_a_line_of_the_log(router, route, serve, port, folder):
    router.apply(route(serve(1), weights={1: 1}))
    request(port, path="/score?api_key=secret", body="{}", headers={"x-request-id": 'a"b\\'})

    (line,) = lines(folder, 1)

    assert (line["method"], line["path"], line["status"], line["revision"]) == ("POST", "/score", 200, "1")
    assert line["request_id"] == 'a"b\\'


def test_a_long_log_begins_anew(router, route, serve, port, folder, monkeypatch):
    router.apply(route(serve(1), weights={1: 1}))
    score(port)
    lines(folder, 1)
    monkeypatch.setattr(router_files, "_LONG_LOG", 10)
    router.ensure()
    score(port, **{"x-request-id": "later"})

    (line,) = lines(folder, 1)

    assert line["request_id"] == "later"
    assert len((folder / "logs/digits.log.1").read_text().splitlines()) == 1


def test_a_service_that_wants_no_log_has_none(router, route, serve, port, folder):
    router.apply(route(serve(1), weights={1: 1}, access_log=False))
    score(port)

    assert list((folder / "logs").iterdir()) == []
