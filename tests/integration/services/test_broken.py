"""R5, R35: a revision that is not as good as the one before is returned by itself, and clients do not notice."""

from typing import Any

import pytest
from tests.integration.scoring.scenarios.traffic import call
from tests.integration.services.conftest import Clients, MakeImage, until, wait_until
from tests.integration.services.ending import servers_of
from tests.integration.services.policies import quick

from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.policy import Policy
from modelyard.services.route import Sticky
from modelyard.services.settings import ServiceSettings

CANARY = quick(Policy.canary((50,), soak=1.0), slower=2.0)
MIRROR = quick(Policy.mirror(percent=100, soak=1.0))


@pytest.mark.parametrize(
    ("how", "policy", "phase", "said"),
    [
        ({"raising": "no factor"}, CANARY, "init", "no factor"),
        ({"starting": 600}, CANARY, "ready", "ready"),
        ({"failing": 1, "good": 1, "sampled": True}, CANARY, "sample", "500"),
        ({"wrong": True, "good": 1, "sampled": True}, CANARY, "sample", "another form"),
        ({"failing": 1, "good": 2, "sampled": True}, MIRROR, "traffic", "answers"),
        ({"wrong": True, "good": 2, "sampled": True}, MIRROR, "traffic", "answers differ"),
        ({"seconds": 0.1, "sampled": True}, CANARY, "traffic", "took longer than"),
    ],
    ids=["crash", "never-ready", "fails-sample", "wrong-sample", "fails-later", "wrong-later", "slow"],
)
def test_a_broken_revision_is_returned_and_no_request_fails(
    yard: Workspace, name: str, image: MakeImage, how: dict[str, Any], policy: Policy, phase: str, said: str
) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients, before = Clients(service), servers_of(f"{yard.location}/services/{name}/1")
    errors: list[DeploymentFailedError] = []

    async def roll_out(traffic):
        with pytest.raises(DeploymentFailedError) as caught:
            await call(lambda: Service.deploy(yard, name, image(**how), policy=policy, timeout=_patience(how)))
        errors.append(caught.value)
        traffic.phase = "returned"

    found = clients.by_phase(clients.during(roll_out))

    assert found["returned"] == {"1"}
    assert (errors[0].phase, said in errors[0].message) == (phase, True), errors[0]
    assert servers_of(f"{yard.location}/services/{name}/1") == before
    _assert_returned(service, said)


def _patience(how: dict[str, Any]) -> float:
    return 3.0 if "starting" in how else 120.0


def _assert_returned(service: Service, said: str) -> None:
    """Claim that the rollout tells why, that nothing is left of its revision, and that it is not tried again."""
    rollout = service.refresh().rollout
    assert (rollout.state, said in rollout.reason) == ("returned", True)
    assert service.revisions()[0].state == "failed"
    wait_until(lambda: service.revisions()[0].replicas == ())
    entry = next(iter(service.history()))
    assert (entry.action, entry.facts["traffic"]) == ("return", {"1": 100})
    if rollout.failure.phase == "traffic":
        assert entry.facts["evidence"]["samples"] > 0
    wait_until(lambda: service.state == "running")


def test_a_canary_that_fails_is_returned_when_few_clients_have_noticed(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients = Clients(service)

    async def roll_out(traffic):
        policy = quick(Policy.canary((10,), soak=60.0), samples=500)
        with pytest.raises(DeploymentFailedError, match="failed"):
            await call(lambda: Service.deploy(yard, name, image(failing=2), policy=policy))
        traffic.phase = "returned"

    report = clients.during(roll_out, 200)

    report.assert_only(200, 500).of(200).assert_min_samples(200)
    report.phase("returned").assert_all_answered()
    assert {str(by) for _, by in clients.revisions} == {"1", "2"}
    assert 0 < len(report.of(500).records) < len(report.records) / 10
    _assert_returned(service, "failed")


def test_a_canary_gets_its_share_and_keeps_a_user_on_one_revision(yard: Workspace, name: str, image: MakeImage) -> None:
    settings = ServiceSettings(sticky=Sticky(by="header", name="x-user"))
    service = Service.deploy(yard, name, image(version=1), settings=settings)
    Service.deploy(yard, name, image(version=2), policy=quick(Policy.by_hand((10,))), wait=False)
    wait_until(lambda: service.refresh().info.standing.traffic == {1: 90, 2: 10})
    single = Clients(service, header=lambda number: f"x-user: {number}")
    faithful = Clients(service, header=lambda number: f"x-user: {number % 40}")

    async def ask(traffic, requests):
        await until(lambda: traffic.count >= requests)

    single.during(lambda traffic: ask(traffic, 2000), 400).assert_all_answered().assert_min_samples(2000)
    faithful.during(lambda traffic: ask(traffic, 800), 400).assert_all_answered()

    assert abs(single.share(2) - 0.1) <= 0.02
    assert len({(number % 40, by) for number, by in faithful.revisions}) == 40
