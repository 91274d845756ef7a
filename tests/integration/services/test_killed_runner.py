"""A runner is killed at any point of what it does, and the next one finishes it or undoes it."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.integration.scoring.crowd import FULL
from tests.integration.scoring.scenarios.report import Report
from tests.integration.scoring.scenarios.traffic import call
from tests.integration.services.clients import Clients, names, until, wait_until
from tests.integration.services.conftest import MakeImage
from tests.integration.services.ending import servers_of
from tests.integration.services.policies import quick
from tests.integration.services.quick_runner import QuickRunner
from tests.integration.services.stopping import stop

from modelyard.errors import NotFoundError
from modelyard.sdk.image.image import Image
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.policy import Policy
from modelyard.services.service import ServiceWish

AT_ONCE = 3
"""How many services have a rollout when the runner is killed, each at another point of it."""
KILLS = 40 if FULL else 4
POLICY = quick(Policy.canary((50,), soak=0.2), samples=5)


def test_a_runner_killed_during_rollouts_leaves_one_revision_that_serves_and_nothing_else(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    images = image(version=1), image(version=2)
    with QuickRunner(yard) as runner:
        services = [Service.deploy(yard, f"{name}-{number}", images[number > 0]) for number in range(AT_ONCE)]
        reports: list[Report] = []
        with _asked_meanwhile(services, reports):
            began = time.monotonic()
            _begin(services[:1], images[1], 0)
            services[0].wait()
            length = time.monotonic() - began
            for kill in range(KILLS):
                _begin(services, images[kill % 2], length / AT_ONCE)
                time.sleep(length / AT_ONCE * kill / KILLS)
                runner.kill()
                for service in services:
                    _assert_one_serves(service)

    for report, service in zip(reports, services, strict=True):
        report.assert_all_answered().assert_min_samples(20 * KILLS)
        assert {one.state for one in service.rollouts()} <= {"promoted", "returned"}


@contextmanager
def _asked_meanwhile(services: list[Service], reports: list[Report]) -> Iterator[None]:
    """Have clients ask each service until the body has ended."""
    over = threading.Event()
    with ThreadPoolExecutor(len(services)) as pool:
        asking = [pool.submit(Clients(one).during, lambda _: call(over.wait), 30) for one in services]
        try:
            yield
        finally:
            over.set()
        reports.extend(one.result() for one in asking)


def _begin(services: list[Service], image: Image, pause: float) -> None:
    """Begin rollouts, one after the other."""
    for service in services:
        Service.deploy(service.workspace, service.name, image, policy=POLICY, wait=False)
        time.sleep(pause)


def _assert_one_serves(service: Service) -> None:
    """Wait until a rollout has ended, and claim that of all revisions one runs, with one replica."""
    wait_until(lambda: service.refresh().rollout.is_ended)
    serving = service.info.standing.serving
    folder = _folder(service.workspace, service.name)
    wait_until(lambda: names(folder) == [str(serving)] and len(names(folder / str(serving))) == 1)
    (replica,) = next(one for one in service.revisions() if one.number == serving).replicas
    assert names(folder / str(serving)) == [str(replica.number)]
    assert servers_of(folder) == servers_of(folder / str(serving) / str(replica.number))
    assert service.info.standing.traffic == {serving: 100}


def test_a_runner_killed_while_a_service_comes_and_while_it_goes_leaves_it_whole_and_then_nothing(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    made = image(version=1)
    with QuickRunner(yard) as runner:
        for point in range(3):
            service = Service.deploy(yard, name, made, wait=False)
            time.sleep(0.4 * point)
            runner.kill()
            assert service.wait().run({"data": [[7]]}) == {"y": [[7]]}
            _assert_one_serves(service)
            yard.backend.services.wish(name, ServiceWish(wanted="deleted", by="tests"))
            time.sleep(0.1 * point)
            runner.kill()
            wait_until(lambda: _is_gone(yard, name))
            assert (_folder(yard, name).exists(), servers_of(_folder(yard, name))) == (False, [])


def test_a_runner_that_stood_still_while_another_took_over_changes_nothing_any_more(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients = Clients(service)
    with QuickRunner(yard) as runner, QuickRunner(yard, alone=False) as other:

        async def stand_still(traffic):
            for turn in range(2):
                sleeper = (runner, other)[turn].pid
                await call(_begin, [service], image(version=2 + turn), 0.3)
                await call(stop, sleeper, Path(yard.location) / "runner.lock")
                await until(lambda: service.refresh().rollout.is_ended)
                os.kill(sleeper, signal.SIGCONT)
                await call(_assert_one_serves, service)

        report = clients.during(stand_still, 50)
        _assert_one_serves(service)

    report.assert_all_answered()
    assert [one.state for one in service.rollouts()] == ["promoted"] * 3


def _folder(workspace: Workspace, name: str) -> Path:
    return Path(workspace.location) / "services" / name


def _is_gone(workspace: Workspace, name: str) -> bool:
    try:
        Service(workspace, name)
    except NotFoundError:
        return True
    return False
