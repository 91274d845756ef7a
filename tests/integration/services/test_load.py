"""R2, R4: revisions and replicas come and go under clients that ask all the time, and no request fails."""

from pathlib import Path

from tests.integration.scoring.scenarios.report import CUT_OFF, REFUSED
from tests.integration.scoring.scenarios.traffic import call
from tests.integration.services.clients import Clients, names, until, wait_until
from tests.integration.services.conftest import MakeImage
from tests.integration.services.ending import kill, servers_of
from tests.integration.services.policies import quick
from tests.integration.services.scenarios import assert_each_took_over, kill_in_turn, servers_of_replica, update_in_turn
from tests.integration.services.test_starting import answers

from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.policy import Policy
from modelyard.services.service import ReplicaInfo
from modelyard_deploy.router.envoy import Envoy


def _folder(workspace: Workspace, name: str) -> Path:
    """Give where the first revision of a service has its replicas."""
    return Path(workspace.location) / "services" / name / "1"


def _ready(service: Service) -> list[int]:
    return [one.number for one in service.refresh().revision.ready]


def test_rolling_updates_cost_no_request_and_the_replaced_revision_answers_none(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    images = image(version=1), image(version=2)
    service = Service.deploy(yard, name, images[0])

    found = update_in_turn(service, images, turns=4, rate=150, requests=1000)

    assert_each_took_over(found, turns=4, requests=1000)
    wait_until(lambda: [len(one.replicas) for one in service.revisions()] == [1, 0, 0, 0, 0])


def test_killed_replicas_cost_no_request_and_others_take_their_place(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service = Service.deploy(yard, name, image(seconds=0.002), replicas=2)

    def kill_replica(victim: ReplicaInfo) -> None:
        kill(*servers_of_replica(service, victim))

    found = kill_in_turn(service, kill_replica, times=3, rate=100, requests=200)

    found.report.assert_all_answered().assert_min_samples(200)
    assert service.refresh().revision.started == 5
    wait_until(lambda: names(_folder(yard, name)) == ["4", "5"])


def test_more_replicas_and_fewer_cost_no_request(yard: Workspace, name: str, image: MakeImage) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients = Clients(service)

    async def scale(traffic):
        for count in (3, 1):
            await call(lambda count=count: service.update(replicas=count))
            await until(lambda count=count: len(_ready(service)) == count)

    clients.during(scale).assert_all_answered()
    wait_until(lambda: len(names(_folder(yard, name))) == 1)


def test_a_new_key_is_taken_under_load_and_the_old_one_is_refused(yard: Workspace, name: str, image: MakeImage) -> None:
    service = Service.deploy(yard, name, image(version=1))
    primary, secondary = service.get_keys()
    clients, late = Clients(service, key=secondary), Clients(service, key=primary)

    async def exchange(traffic):
        for _ in range(3):
            key = await call(service.regenerate_key, "primary")
            assert (key, secondary) == service.get_keys()
            assert (await call(service.run, {"data": [[7]]})) == {"y": [[7]]}

    clients.during(exchange).assert_all_answered()

    async def nothing(traffic):
        await until(lambda: traffic.count > 10)

    late.during(nothing).assert_only(401)
    assert len(service.refresh().revision.replicas) == 1


def test_a_killed_router_comes_back_by_itself(yard: Workspace, name: str, image: MakeImage) -> None:
    service = Service.deploy(yard, name, image(version=1))
    envoy, url = Envoy(yard.settings.home / "router").find(), service.url

    kill(envoy.pid)

    wait_until(lambda: answers(service))
    assert service.refresh().url == url


def test_a_router_that_is_killed_during_a_rollout_costs_no_revision(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service = Service.deploy(yard, name, image(version=1))
    clients = Clients(service)

    async def kill_it(traffic):
        policy = quick(Policy.canary((50,), soak=2.0))
        await call(lambda: Service.deploy(yard, name, image(version=2), policy=policy, wait=False))
        await until(lambda: service.refresh().rollout.stage >= 0)
        traffic.phase = "killed"
        await until(lambda: not traffic.under_way_in("steady"))
        kill(Envoy(yard.settings.home / "router").find().pid)
        await call(service.wait)
        traffic.phase = "promoted"

    report = clients.during(kill_it)

    report.phase("steady", "promoted").assert_all_answered()
    report.phase("killed").assert_only(200, CUT_OFF, REFUSED).of(200).assert_min_samples(20)
    assert service.info.standing.serving == 2


def test_a_service_that_is_stopped_runs_nothing_and_starts_where_it_was(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service = Service.deploy(yard, name, image(version=1), replicas=2)
    url = service.url

    service.stop()
    assert (service.state, answers(service), servers_of(_folder(yard, name))) == ("stopped", False, [])
    service.start()

    wait_until(lambda: service.state == "running")
    assert (service.url, answers(service), len(_ready(service))) == (url, True, 2)
