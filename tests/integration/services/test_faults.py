"""Ports that are taken, disks that are full, images that go, and one request that comes a hundred times."""

import os
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.integration.scoring.scenarios.traffic import call
from tests.integration.server_process import ServerProcess
from tests.integration.services.clients import Clients, names, wait_until
from tests.integration.services.conftest import MakeImage

from modelyard.ledger.entry import LedgerQuery
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.rollout import NewRollout


@pytest.fixture
def taken() -> Iterator[int]:
    """Give a port at which another program listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture
def small(yard: Workspace, name: str) -> Iterator[Path]:
    """Give the folder of the test's service on a disk of 4 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = Path(yard.location) / "services" / name
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_port_that_is_taken_is_told_in_a_line_and_nothing_is_left(
    yard: Workspace, name: str, image: MakeImage, taken: int
) -> None:
    with pytest.raises(DeploymentFailedError, match=str(taken)) as caught:
        Service.deploy(yard, name, image(version=1), port=taken)

    assert "\n" not in str(caught.value)
    assert (caught.value.phase, Service(yard, name).state) == ("port-taken", "failed")
    wait_until(lambda: Service(yard, name).revision.replicas == ())
    service = Service.deploy(yard, name, image(version=1), port=0)
    assert service.run({"data": [[7]]}) == {"y": [[7]]}


def test_a_service_that_is_to_move_to_a_port_that_is_taken_stays_where_it_is(
    yard: Workspace, name: str, image: MakeImage, taken: int
) -> None:
    service = Service.deploy(yard, name, image(version=1))
    url = service.url

    service.update(port=taken)
    wait_until(lambda: str(taken) in service.refresh().info.standing.problem)

    assert (service.state, service.url) == ("unhealthy", url)
    assert service.run({"data": [[7]]}) == {"y": [[7]]}
    service.update(port=0)
    wait_until(lambda: service.state == "running")
    assert service.run({"data": [[7]]}) == {"y": [[7]]}


def test_a_disk_that_fills_up_while_a_revision_starts_is_told_and_the_old_one_serves_on(
    yard: Workspace, name: str, image: MakeImage, small: Path
) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients = Clients(service)
    _fill(small / "ballast")
    said: list[str] = []

    async def roll_out(traffic):
        with pytest.raises(DeploymentFailedError, match="storage-full: No space is left") as caught:
            await call(lambda: Service.deploy(yard, name, image(version=2)))
        said.append(str(caught.value))

    clients.during(roll_out).assert_all_answered()

    assert "\n" not in said[0]
    assert {by for _, by in clients.revisions} == {"1"}
    (small / "ballast").unlink()
    assert Service.deploy(yard, name, image(version=2)).info.standing.serving == 3
    wait_until(lambda: names(small) == ["3"])


def _fill(ballast: Path) -> None:
    """Take all the room there is."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


def test_a_deployment_that_is_sent_a_hundred_times_is_one(yard: Workspace, name: str, image: MakeImage) -> None:
    body = msgspec.json.encode(NewRollout(image=image(version=1).id, machine="elsewhere", by="tests"))
    with ServerProcess(Path(yard.location)) as server:
        headers = {"authorization": f"Bearer {server.token}", "idempotency-key": name}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client, ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: _deploy(client, name, body), range(100)))

    assert {one.status_code for one in answers} == {200}, answers[0].text
    assert len({one.content for one in answers}) == 1
    assert [one.number for one in yard.backend.services.rollouts(name).items] == [1]
    assert len(yard.backend.ledger.list(LedgerQuery(subject=f"service:{name}")).items) == 1


def _deploy(client: httpx.Client, name: str, body: bytes) -> httpx.Response:
    return client.post(f"/api/v1/services/{name}/rollouts", content=body, headers={"content-type": "application/json"})
