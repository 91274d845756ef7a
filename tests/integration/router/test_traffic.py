"""Which revision answers which request."""

import json
import math
from collections import Counter

import pytest
from tests.integration.router.conftest import Asked, request, score
from tests.integration.scoring.crowd import FULL
from tests.integration.scoring.scenarios.traffic import drive

from modelyard.services.route import Copies, Sticky

COUNT = 20_000 if FULL else 3000


def assert_share(found: int, of: int, share: float) -> None:
    """Claim a share within four standard deviations, and within 1 % where there are enough requests to say so."""
    bound = 4 * math.sqrt(share * (1 - share) / of)
    assert abs(found / of - share) <= (min(bound, 0.01) if FULL else bound), (found, of, share)


def test_ten_percent_are_ten_percent(router, route, serve, port):
    router.apply(route(serve(1), serve(2), weights={1: 90, 2: 10}))
    asked = Asked()

    report = drive(port, asked.load, 1000, COUNT / 1000)

    report.assert_min_samples(COUNT).assert_all_answered()
    assert_share(asked.by["2"], COUNT, 0.1)
    assert asked.by["1"] + asked.by["2"] == COUNT


@pytest.mark.parametrize("by", ["header", "cookie"])
def test_a_user_stays_with_a_revision(router, route, serve, port, by):
    router.apply(route(serve(1), serve(2), weights={1: 50, 2: 50}, sticky=Sticky(by=by, name="x-user")))

    def revisions(user):
        headers = {"x-user": user} if by == "header" else {"cookie": f"a=b; x-user={user}; c=d"}
        return {score(port, **headers)[1] for _ in range(4)}

    chosen = [revisions(f"user-{number}") for number in range(200)]

    assert all(len(one) == 1 for one in chosen)
    assert_share(sum(one == {"1"} for one in chosen), 200, 0.5)


def test_users_only_go_over_to_the_revision_that_grows(router, route, serve, port):
    servers = serve(1), serve(2)
    chosen = []
    for weight in (10, 50, 90):
        sticky = Sticky(by="header", name="x-user")
        router.apply(route(*servers, weights={1: 100 - weight, 2: weight}, sticky=sticky))
        users = [f"user-{number}" for number in range(100)]
        chosen.append({user for user in users if score(port, **{"x-user": user})[1] == "2"})

    assert chosen[0] < chosen[1] < chosen[2]


def test_without_sticky_users_go_to_and_fro(router, route, serve, port):
    """The control: what holds the users is the policy, and not something else."""
    router.apply(route(serve(1), serve(2), weights={1: 50, 2: 50}))

    assert {score(port, **{"x-user": "one"})[1] for _ in range(30)} == {"1", "2"}


def test_a_revision_answers_by_its_number(router, route, serve, port):
    router.apply(route(serve(1), serve(2), serve(3), weights={1: 100}))

    assert Counter(score(port, **{"x-modelyard-revision": "3"})[1] for _ in range(20)) == {"3": 20}
    assert Counter(score(port)[1] for _ in range(20)) == {"1": 20}


@pytest.mark.parametrize("number", ["4", "", "1, 2", "../1", "%REQ(X)%"])
def test_a_revision_that_is_not_there_is_not_found(router, route, serve, port, number):
    router.apply(route(serve(1), weights={1: 1}))

    status, _, body = request(port, body="{}", headers={"x-modelyard-revision": number, "x-request-id": "mine"})

    assert status == 404
    assert json.loads(body).keys() == {"code", "text", "request_id"}
    assert (json.loads(body)["code"], json.loads(body)["request_id"]) == ("unknown-revision", "mine")


def test_a_mirror_gets_its_share_and_answers_nobody(router, route, serve, port):
    first, shadow = serve(1), serve(2)
    shadow.behave(status=500)
    router.apply(route(first, weights={1: 1}, mirror=Copies(percent=25, to=shadow.replica)))
    asked = Asked()

    drive(port, asked.load, 500, 2).assert_min_samples(1000).assert_all_answered()

    assert asked.by == {"1": 1000}
    assert_share(shadow.asked()["count"], 1000, 0.25)
    assert shadow.asked()["seen"]["host"] == "localhost"


def test_a_slow_mirror_holds_up_nobody(router, route, serve, port):
    shadow = serve(2)
    shadow.behave(seconds=5)
    router.apply(route(serve(1), weights={1: 1}, mirror=Copies(percent=100, to=shadow.replica)))

    assert drive(port, Asked().load, 100, 1).assert_all_answered().latency(0.9) < 4


def test_a_mirror_that_is_gone_holds_up_nobody(router, route, serve, port):
    shadow = serve(2)
    router.apply(route(serve(1), weights={1: 1}, mirror=Copies(percent=100, to=shadow.replica)))
    shadow.kill()

    assert drive(port, Asked().load, 100, 1).assert_all_answered().latency(0.9) < 4


def test_a_replica_that_is_not_ready_is_not_asked(router, route, serve, port):
    ready, other = serve(1), serve(1)
    other.behave(ready=False)
    router.apply(route(ready, other, weights={1: 1}))

    drive(port, Asked().load, 200, 1).assert_all_answered()

    assert other.asked()["count"] == 0
    assert ready.asked()["count"] == 200


@pytest.mark.parametrize(("error", "retry"), [("not-ready", True), ("not-ready", False), ("queue-full", True)])
def test_what_a_replica_refuses_because_it_is_not_ready_goes_to_another(router, route, serve, port, error, retry):
    ready, restarted = serve(1), serve(1)
    restarted.behave(status=503, error=error)  # and is ready when it is asked for that, as between two looks
    router.apply(route(ready, restarted, weights={1: 1}, retry=retry))

    report = drive(port, Asked().load, 200, 1)

    refused = restarted.asked()["count"]
    assert refused > 20
    assert len(report.of(503).records) == (0 if (error, retry) == ("not-ready", True) else refused)
    assert len(report.of(200).records) == 200 - len(report.of(503).records)


def test_envoys_own_headers_from_outside_mean_nothing(router, route, serve, port):
    server = serve(1)
    server.behave(seconds=0.2)
    router.apply(route(server, weights={1: 1}))

    assert score(port, **{"x-envoy-upstream-rq-timeout-ms": "1"})[0] == 200
    assert score(port, **{"x-modelyard-client": "me", "x_modelyard_client": "me"})[0] == 200
    assert "x_modelyard_client" not in server.asked()["seen"]


def test_a_request_has_an_id(router, route, serve, port):
    server = serve(1)
    router.apply(route(server, weights={1: 1}))

    made = request(port, body="{}")[1]["x-request-id"]
    given = request(port, body="{}", headers={"x-request-id": "my-own"})[1]["x-request-id"]

    assert len(made) == 36
    assert given == server.asked()["seen"]["x-request-id"] == "my-own"
