"""A runner is killed at any point of a rollout, and the next one finishes it or undoes it."""

import asyncio
import time
from pathlib import Path

from tests.integration.scoring.crowd import FULL
from tests.integration.scoring.scenarios.traffic import call
from tests.integration.services.clients import Clients, names, wait_until
from tests.integration.services.conftest import MakeImage
from tests.integration.services.ending import servers_of
from tests.integration.services.policies import quick
from tests.integration.services.quick_runner import QuickRunner

from modelyard.errors import NotFoundError
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.policy import Policy
from modelyard.services.service import ServiceWish

POINTS = 100 if FULL else 10
POLICY = quick(Policy.canary((50,), soak=0.2), samples=5)


def test_a_runner_killed_during_a_rollout_leaves_one_revision_that_serves_and_nothing_else(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    images = image(version=1), image(version=2)
    with QuickRunner(yard) as runner:
        service = Service.deploy(yard, name, images[0])
        clients, lengths = Clients(service), list[float]()

        async def roll_out_and_kill(traffic):
            began = time.monotonic()
            await call(lambda: Service.deploy(yard, name, images[1], policy=POLICY))
            lengths.append(time.monotonic() - began)
            for point in range(POINTS):
                traffic.phase = f"point {point}"
                await call(lambda point=point: _begin(yard, name, images[point % 2].id))
                await asyncio.sleep(lengths[0] * point / POINTS)
                await call(runner.kill)
                await call(_assert_one_serves, service)

        report = clients.during(roll_out_and_kill, 50)

    report.assert_all_answered().assert_min_samples(20 * POINTS)
    assert {one.state for one in service.rollouts()} <= {"promoted", "returned"}


def _begin(workspace: Workspace, name: str, image: str) -> None:
    Service.deploy(workspace, name, image, policy=POLICY, wait=False)


def _assert_one_serves(service: Service) -> None:
    """Wait until a rollout has ended, and claim that of all revisions one runs, with one replica."""
    wait_until(lambda: service.refresh().rollout.is_ended)
    serving = service.info.standing.serving
    folder = Path(service.workspace.location) / "services" / service.name
    wait_until(lambda: names(folder) == [str(serving)])
    (replica,) = next(one for one in service.revisions() if one.number == serving).replicas
    assert names(folder / str(serving)) == [str(replica.number)]
    assert servers_of(folder) == servers_of(folder / str(serving) / str(replica.number))
    assert service.info.standing.traffic == {serving: 100}


def test_a_runner_killed_while_a_service_is_deleted_leaves_nothing(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    made = image(version=1)
    folder = Path(yard.location) / "services" / name
    with QuickRunner(yard) as runner:
        for point in range(3):
            service = Service.deploy(yard, name, made)
            yard.backend.services.wish(name, ServiceWish(wanted="deleted", by="tests"))
            time.sleep(0.1 * point)
            runner.kill()
            wait_until(lambda: _is_gone(yard, name))
            assert (folder.exists(), servers_of(folder)) == (False, [])
            assert service.name not in [one.name for one in Service.list(yard)]


def _is_gone(workspace: Workspace, name: str) -> bool:
    try:
        Service(workspace, name)
    except NotFoundError:
        return True
    return False
