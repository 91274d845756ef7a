"""R2, R4, R15: containers are killed and replaced under clients that ask all the time, and no request fails."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.integration.scoring.scenarios.traffic import call
from tests.integration.services.clients import Clients, until, wait_until
from tests.integration.services.conftest import MakeImage
from tests.integration.services.ending import kill
from tests.integration.services.scenarios import starve

from modelyard.sdk.service.places import route_name
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.router import find_router

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container


def _tags(engine: "docker.DockerClient") -> set[str]:
    """List the tags of all images; other tests remove some meanwhile, so none is looked at alone."""
    return {tag for one in engine.api.images() for tag in one["RepoTags"] or ()}


@pytest.fixture
def engine(docker_engine: "docker.DockerClient") -> Iterator["docker.DockerClient"]:
    """Give a client of the engine; images that the test has made go with it."""
    before = _tags(docker_engine)
    yield docker_engine
    for tag in _tags(docker_engine) - before:
        if tag.startswith("modelyard-image:"):
            docker_engine.images.remove(tag, force=True)


def _containers(engine: "docker.DockerClient", service: Service) -> list["Container"]:
    """Give the containers of a service, by their names."""
    found = [one for one in engine.containers.list(all=True, ignore_removed=True) if service.name in one.name]
    return sorted(found, key=lambda one: str(one.name))


def _healthy(service: Service) -> int:
    """Say how many replicas of the first revision the router sends requests to."""
    router = find_router(service.workspace.settings)
    return router.statistics(route_name(service.workspace, service.name)).of(1).healthy


def test_killed_and_replaced_containers_cost_no_request_and_deleting_leaves_none(
    yard: Workspace, name: str, image: MakeImage, engine: "docker.DockerClient"
) -> None:
    made = image(version=1, steps=["RUN true"])
    service = Service.deploy(yard, name, made, target="container", replicas=2)
    clients = Clients(service)

    async def kill_and_update(traffic):
        first, second = await call(_containers, engine, service)
        await call(first.kill)  # which Docker takes for a wish, and does not start it again
        await until(lambda: [one.number for one in service.refresh().revision.ready] == [2, 3])
        await until(lambda: service.state == "running" and len(_containers(engine, service)) == 2)
        await until(lambda: _healthy(service) == 2)  # one of two that are busy may be left out for a moment
        kill(second.attrs["State"]["Pid"])  # which it does start again
        await until(lambda: _runs_anew(engine, second))
        await call(lambda: Service.deploy(yard, name, image(version=2, steps=["RUN true"]), target="container"))
        traffic.phase = "updated"

    found = clients.by_phase(clients.during(kill_and_update, 50))

    assert found["updated"] == {"2"}
    wait_until(lambda: len(_containers(engine, service)) == 2)
    service.delete()
    assert _containers(engine, service) == []


def test_a_container_that_runs_out_of_memory_again_and_again_costs_another_service_no_request(
    yard: Workspace, name: str, image: MakeImage, engine: "docker.DockerClient"
) -> None:
    bystander = Service.deploy(yard, f"{name}-bystander", image(version=1))
    greedy = Service.deploy(yard, name, image(steps=["RUN true"], memory="256MiB", taking=600), target="container")

    found = starve(greedy, bystander, rate=50, seconds=2)

    assert found.times > 0
    found.meanwhile.assert_min_samples(100).assert_all_answered()


def _runs_anew(engine: "docker.DockerClient", before: "Container") -> bool:
    """Say whether a container runs, and was started later than then."""
    now = engine.containers.get(before.id)
    return now.status == "running" and now.attrs["State"]["StartedAt"] != before.attrs["State"]["StartedAt"]
