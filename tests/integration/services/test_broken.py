"""R5, R35: a revision that is not as good as the one before is returned by itself, and clients do not notice."""

import pytest
from tests.integration.scoring.scenarios.traffic import call
from tests.integration.services.clients import Clients
from tests.integration.services.conftest import MakeImage
from tests.integration.services.policies import quick
from tests.integration.services.scenarios import (
    BROKEN,
    assert_nothing_is_left,
    assert_returned,
    assert_shared_out,
    deploy_broken,
    share_out,
)

from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.policy import Policy


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_revision_is_returned_and_no_request_fails(
    yard: Workspace, name: str, image: MakeImage, kind: str
) -> None:
    broken = BROKEN[kind]
    service = Service.deploy(yard, name, image(version=1))

    found = deploy_broken(service, image(**broken.how), broken, rate=100)

    assert_returned(service, broken, found)


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
    assert_nothing_is_left(service, "failed")


def test_a_canary_gets_its_share_and_keeps_a_user_on_one_revision(yard: Workspace, name: str, image: MakeImage) -> None:
    found = share_out(yard, name, (image(version=1), image(version=2)), rate=400, requests=2000)

    assert_shared_out(found, requests=2000)
