"""While a revision starts, which may take long, its service is looked after, and what users ask for is done."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.services.clients import names, wait_until
from tests.integration.services.conftest import MakeImage
from tests.integration.services.ending import kill, servers_of

from modelyard.errors import NotFoundError, UnreachableError
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard_deploy.router.envoy import Envoy

LONG = 600.0

Begin = Callable[[], Service]


@pytest.fixture
def begin(yard: Workspace, name: str, image: MakeImage) -> Begin:
    """Give what begins a rollout to a revision that is ready in ten minutes."""

    def deploy() -> Service:
        service = Service.deploy(yard, name, image(starting=LONG), timeout=2 * LONG, wait=False)
        revision = service.revisions()[0].number
        wait_until(lambda: bool(servers_of(_folder(service) / str(revision))))
        return service

    return deploy


def _folder(service: Service) -> Path:
    return Path(service.workspace.location) / "services" / service.name


def answers(service: Service) -> bool:
    """Say whether a service answers."""
    try:
        return bool(service.run({"data": [[7]]}) == {"y": [[7]]})
    except UnreachableError:
        return False


def test_a_router_and_a_replica_that_are_killed_come_back_while_another_revision_starts(
    yard: Workspace, name: str, image: MakeImage, begin: Begin
) -> None:
    Service.deploy(yard, name, image(version=1))
    service = begin()
    envoy = Envoy(yard.settings.home / "router").find()
    assert envoy is not None

    kill(envoy.pid, *servers_of(_folder(service) / "1"))
    wait_until(lambda: names(_folder(service) / "1") == ["2"])

    wait_until(lambda: answers(service))
    assert service.refresh().rollout.state == "starting"


def test_a_start_that_is_aborted_ends_at_once(yard: Workspace, name: str, image: MakeImage, begin: Begin) -> None:
    Service.deploy(yard, name, image(version=1))
    service = begin()

    assert service.abort().rollout.state == "aborted"

    wait_until(lambda: names(_folder(service)) == ["1"])
    assert servers_of(_folder(service) / "2") == []
    assert answers(service)


def test_a_service_that_is_deleted_while_it_starts_leaves_nothing(yard: Workspace, name: str, begin: Begin) -> None:
    service = begin()

    service.delete()

    assert (_folder(service).exists(), servers_of(_folder(service))) == (False, [])
    with pytest.raises(NotFoundError):
        Service(yard, name)


def test_who_stops_waiting_for_a_rollout_is_told_that_it_goes_on(
    yard: Workspace, name: str, image: MakeImage, tmp_path: Path
) -> None:
    made = image(until=str(tmp_path / "go"))
    command = [str(Path(sys.executable).with_name("modelyard")), "service", "deploy", name, "--image", made.id]
    waiting = subprocess.Popen([*command, "-w", yard.location], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: bool(servers_of(Path(yard.location) / "services" / name)))

    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate(timeout=120)
    (tmp_path / "go").touch()

    assert waiting.returncode == 130
    assert said.splitlines()[0].startswith("What was begun goes on.")
    assert said.splitlines()[-1] == "modelyard: interrupted"
    assert answers(Service(yard, name).wait())
