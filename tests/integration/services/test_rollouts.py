"""New revisions come into traffic by each policy, under clients that ask all the time."""

import pytest
from tests.integration.scoring.scenarios.traffic import call
from tests.integration.services.clients import Clients, until, wait_until
from tests.integration.services.conftest import MakeImage
from tests.integration.services.policies import quick

from modelyard.errors import NotFoundError
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import NoRolloutError, RolloutUnderWayError
from modelyard.services.policy import Policy

CANARY = quick(Policy.canary((30,), soak=0.5))


def _numbers(service: Service) -> list[tuple[int, str]]:
    return [(one.number, one.state) for one in service.revisions()]


def test_a_canary_is_promoted_under_load_and_the_old_revision_ends(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients = Clients(service)

    async def roll_out(traffic):
        await call(lambda: Service.deploy(yard, name, image(version=2), policy=CANARY))
        traffic.phase = "promoted"

    found = clients.by_phase(clients.during(roll_out))

    assert found == {"steady": {"1", "2"}, "promoted": {"2"}}
    assert _numbers(service) == [(2, "running"), (1, "replaced")]
    wait_until(lambda: service.revisions()[1].replicas == ())
    rollout = service.refresh().rollout
    assert [one["stage"] for one in rollout.evidence] == [0, 1]
    assert all(one["samples"] >= 40 for one in rollout.evidence)
    assert [entry.action for entry in service.history()][:4] == ["promote", "shift", "shift", "deploy"]


def test_blue_green_switches_at_once_and_keeps_the_old_revision_for_a_while(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients = Clients(service)
    policy = quick(Policy.blue_green(soak=0.5), standby=600.0)

    async def roll_out(traffic):
        await call(lambda: Service.deploy(yard, name, image(version=2), policy=policy))
        traffic.phase = "promoted"

    assert clients.by_phase(clients.during(roll_out))["promoted"] == {"2"}
    assert len(service.revisions()[1].replicas) == 1
    before = service.revisions()[1].replicas

    service.rollback()

    assert (service.info.standing.serving, service.revision.replicas) == (1, before)
    assert set(service.info.standing.standby) <= {2}


def test_a_mirrored_revision_gets_no_client_before_its_answers_were_like_the_old_ones(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients = Clients(service)
    policy = quick(Policy.mirror(percent=50, soak=0.5))

    async def roll_out(traffic):
        await call(lambda: Service.deploy(yard, name, image(version=2), policy=policy))
        traffic.phase = "promoted"

    found = clients.by_phase(clients.during(roll_out))

    assert found["promoted"] == {"2"}
    compared, judged = service.refresh().rollout.evidence
    assert (compared["stage"], judged["stage"], compared["different"]["count"]) == (0, 1, 0)


def test_by_hand_each_stage_lasts_until_somebody_promotes(yard: Workspace, name: str, image: MakeImage) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients = Clients(service)
    policy = quick(Policy.by_hand((50,)))

    async def roll_out(traffic):
        await call(lambda: Service.deploy(yard, name, image(version=2), policy=policy, wait=False))
        await until(lambda: service.refresh().info.standing.traffic == {1: 50, 2: 50})
        traffic.phase = "half"
        await until(lambda: sum(by == "2" for _, by in clients.revisions) > 20)
        assert service.refresh().rollout.state == "waiting"
        traffic.phase = "on the way"
        await call(service.promote)
        await until(lambda: service.refresh().info.standing.traffic.get(2) == 100)
        await call(service.promote)
        await call(service.wait)
        traffic.phase = "promoted"

    found = clients.by_phase(clients.during(roll_out))

    assert (found["half"], found["promoted"]) == ({"1", "2"}, {"2"})
    with pytest.raises(NoRolloutError):
        service.promote()


def test_an_aborted_rollout_costs_nothing_and_its_revision_ends(yard: Workspace, name: str, image: MakeImage) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients = Clients(service)
    policy = quick(Policy.by_hand((50,)))

    async def roll_out(traffic):
        await call(lambda: Service.deploy(yard, name, image(version=2), policy=policy, wait=False))
        await until(lambda: service.refresh().info.standing.traffic == {1: 50, 2: 50})
        await call(lambda: service.abort("not today"))
        traffic.phase = "aborted"

    assert clients.by_phase(clients.during(roll_out))["aborted"] == {"1"}
    assert (service.rollout.state, service.rollout.reason) == ("aborted", "aborted by hand")
    assert service.info.standing.traffic == {1: 100}
    wait_until(lambda: service.revisions()[0].replicas == ())
    assert (service.state, service.revisions()[0].state) == ("running", "replaced")


def test_a_second_rollout_is_refused_or_follows_the_first(yard: Workspace, name: str, image: MakeImage) -> None:
    service = Service.deploy(yard, name, image(version=1))
    Service.deploy(yard, name, image(version=2), policy=quick(Policy.by_hand((50,))), wait=False)

    with pytest.raises(RolloutUnderWayError, match="Rollout 2"):
        Service.deploy(yard, name, image(version=3))
    assert len(service.revisions()) == 2
    Service.deploy(yard, name, image(version=3), queue=True, wait=False)
    assert service.rollouts()[0].state == "queued"
    service.abort()
    wait_until(lambda: service.refresh().info.standing.serving == 3)

    assert [(one.number, one.state, one.base) for one in service.rollouts()] == [
        (3, "promoted", 1), (2, "aborted", 1), (1, "promoted", None),
    ]  # fmt: skip
    wait_until(lambda: service.refresh().rollout.is_ended)
    assert service.run({"data": [[7]]}) == {"y": [[7]]}


def test_the_way_back_starts_the_revision_before_and_needs_its_image(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service = Service.deploy(yard, name, first := image(version=1))
    Service.deploy(yard, name, image(version=2))

    service.rollback(why="it was better")
    assert (service.info.standing.serving, _numbers(service)) == (1, [(2, "replaced"), (1, "running")])
    service.rollback()
    assert service.info.standing.serving == 2
    first.delete()

    with pytest.raises(NotFoundError, match=name):
        service.rollback()
    assert service.run({"data": [[7]]}) == {"y": [[7]]}
    assert service.refresh().rollout.is_ended
