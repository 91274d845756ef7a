"""R2, R4: weights, revisions and replicas change and die under traffic that never ends, and no request fails."""

import asyncio

import pytest
from tests.integration.router.conftest import Asked, wait_until
from tests.integration.scoring.crowd import FULL
from tests.integration.scoring.scenarios.report import TooFewSamplesError
from tests.integration.scoring.scenarios.traffic import call, steady

from modelyard_deploy.router.router import Router

TURNS = 100 if FULL else 5
RATE = 300


def under_traffic(port, scenario, *, rate=RATE, asked=None):
    """Have `scenario` change things under traffic: the report, and who answered."""
    asked = asked or Asked()

    async def run():
        async with steady(port, asked.load, rate) as traffic:
            await asyncio.sleep(0.3)
            await scenario(traffic, asked)
            await asyncio.sleep(0.3)
        return traffic.report

    return asyncio.run(run()), asked


def test_no_change_of_weights_costs_a_request(router, route, serve, port):
    servers = serve(1), serve(2)
    router.apply(route(*servers, weights={1: 1}))

    async def shift(traffic, asked):
        for turn in range(TURNS * 2):
            await call(router.apply, route(*servers, weights={1: turn % 3, 2: 1 + turn % 2}))

    report, asked = under_traffic(port, shift)

    report.assert_min_samples(150).assert_all_answered()
    assert min(asked.by["1"], asked.by["2"]) > 20


def test_no_replaced_revision_costs_a_request_and_none_answers_afterwards(router, route, serve, port):
    old = serve(1)
    router.apply(route(old, weights={1: 1}))

    async def replace(traffic, asked):
        nonlocal old
        for number in range(2, 2 + TURNS):
            new = await call(serve, number)
            await call(router.apply, route(old, new, weights={old.revision: 50, number: 50}))
            await call(router.apply, route(new, weights={number: 1}))
            await call(old.kill)  # nobody is asking it any more
            await asyncio.sleep(0.1)  # what it has answered before is read
            before = asked.by[str(old.revision)]
            await asyncio.sleep(0.1)
            assert asked.by[str(old.revision)] == before
            old = new

    report, asked = under_traffic(port, replace)

    report.assert_min_samples(200).assert_all_answered()
    assert set(asked.by) == {str(number) for number in range(1, TURNS + 2)}


def kill_in_turn(router, route, serve, port, *, retry):
    """Kill one of two replicas and put another in its place, again and again; the report and the second tries."""
    replicas, again = [serve(1), serve(1)], []

    def slow(replica):
        replica.behave(seconds=0.02)  # so that there are requests under way when it is killed

    for one in replicas:
        slow(one)
    router.apply(route(*replicas, weights={1: 1}, retry=retry))

    async def kill(traffic, asked):
        for _ in range(TURNS):
            await call(replicas.pop(0).kill)
            await asyncio.sleep(0.2)
            again.append((await call(router.statistics, "digits")).of(1).retries)
            replicas.append(await call(serve, 1))
            await call(slow, replicas[-1])
            await call(router.apply, route(*replicas, weights={1: 1}, retry=retry))

    return under_traffic(port, kill)[0].assert_min_samples(200), sum(again)


def test_no_killed_replica_costs_a_request(router, route, serve, port):
    report, again = kill_in_turn(router, route, serve, port, retry=True)

    report.assert_all_answered()
    assert again > 0


def test_without_a_second_try_killed_replicas_cost_requests(router, route, serve, port):
    """The control: the kills would be noticed."""
    report, _ = kill_in_turn(router, route, serve, port, retry=False)

    with pytest.raises(AssertionError, match="others than"):
        report.assert_all_answered()
    report.assert_only(200, 503)
    with pytest.raises(TooFewSamplesError):
        report.phase("none").assert_all_answered()


def test_a_change_while_others_change_waits_its_turn(router, route, serve, port, folder):
    servers = serve(1), serve(2)
    router.apply(route(*servers, weights={1: 1}))

    async def both(traffic, asked):
        def shift(weights):
            for _ in range(TURNS):
                Router(folder).apply(route(*servers, weights=weights))

        await asyncio.gather(call(shift, {1: 1, 2: 3}), call(shift, {2: 1}))

    report, _ = under_traffic(port, both)

    report.assert_min_samples(100).assert_all_answered()
    (found,) = router.routes()
    assert {one.revision: one.weight for one in found.upstreams} in ({1: 1, 2: 3}, {1: 0, 2: 1})


def test_requests_under_way_end_before_a_change_is_done(router, route, serve, port):
    slow, fast = serve(1), serve(2)
    slow.behave(seconds=0.5)
    router.apply(route(slow, weights={1: 1}))

    async def replace(traffic, asked):
        await call(router.apply, route(fast, weights={2: 1}))
        count = (await call(slow.asked))["count"]
        await call(wait_until, lambda: asked.by["1"] >= count)
        assert (await call(slow.asked))["count"] == asked.by["1"] == count
        await call(slow.kill)

    report, asked = under_traffic(port, replace, rate=50)

    report.assert_min_samples(20).assert_all_answered()
    assert asked.by["1"] > 5


def test_requests_at_a_revision_that_hangs_need_not_be_waited_for(router, route, serve, port):
    hanging, sound = serve(1), serve(2)
    hanging.behave(seconds=20)
    router.apply(route(hanging, weights={1: 1}, timeout=30))

    async def give_up(traffic, asked):
        await call(shift, 0.1)
        traffic.phase = "after"
        assert traffic.under_way > 0  # these are not answered yet
        await asyncio.sleep(0.3)
        await call(hanging.kill)

    def shift(patience):
        router.apply(route(sound, weights={2: 1}, timeout=30), patience=patience)

    report, _ = under_traffic(port, give_up, rate=100)

    report.phase("after").assert_min_samples(20).assert_all_answered()
