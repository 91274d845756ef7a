"""R2, R4, R5, R15, R35: what services go through under clients that ask all the time, shortly or at full length."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct
from tests.integration.scoring.scenarios.report import Report
from tests.integration.scoring.scenarios.traffic import call
from tests.integration.services.clients import Clients, until, wait_until
from tests.integration.services.ending import servers_of
from tests.integration.services.policies import quick

from modelyard.errors import ModelyardError
from modelyard.sdk.image.image import Image
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.policy import Policy
from modelyard.services.route import Sticky
from modelyard.services.service import ReplicaInfo
from modelyard.services.settings import ServiceSettings

_CANARY = quick(Policy.canary((50,), soak=1.0), slower=2.0)
_MIRROR = quick(Policy.mirror(percent=100, soak=1.0))


class Asked(Struct, frozen=True, kw_only=True):
    """What came of all requests, and which revisions answered those of each phase."""

    report: Report
    by_phase: dict[str, set[str | None]]


class Broken(Struct, frozen=True, kw_only=True):
    """A way to be broken: what the script does, how it comes into traffic, where it is found and what is said then."""

    how: dict[str, Any]
    policy: Policy
    phase: str
    said: str


class Returned(Struct, frozen=True, kw_only=True):
    """What came of a revision that is broken; `seconds` from its deployment until the service had returned it."""

    asked: Asked
    error: DeploymentFailedError
    seconds: float
    same_servers: bool


class Killed(Struct, frozen=True, kw_only=True):
    """What killing replicas one after the other did; `back` has the seconds until there were as many as before."""

    report: Report
    back: tuple[float, ...]


class Starved(Struct, frozen=True, kw_only=True):
    """The requests to a service before another ran out of memory, and those while it did so a number of times."""

    before: Report
    meanwhile: Report
    times: int


class Shares(Struct, frozen=True, kw_only=True):
    """The canary's share of the answers, 0 to 1, and how many revisions each of some faithful users has met."""

    report: Report
    share: float
    met: dict[int, set[str | None]]


BROKEN = {
    "crash": Broken(how={"raising": "no factor"}, policy=_CANARY, phase="init", said="no factor"),
    "never-ready": Broken(how={"starting": 600}, policy=_CANARY, phase="ready", said="ready"),
    "fails-sample": Broken(how={"failing": 1, "good": 1, "sampled": True}, policy=_CANARY, phase="sample", said="500"),
    "wrong-sample": Broken(
        how={"wrong": True, "good": 1, "sampled": True}, policy=_CANARY, phase="sample", said="another form"
    ),
    "fails-later": Broken(
        how={"failing": 1, "good": 2, "sampled": True}, policy=_MIRROR, phase="traffic", said="answers"
    ),
    "wrong-later": Broken(
        how={"wrong": True, "good": 2, "sampled": True}, policy=_MIRROR, phase="traffic", said="answers differ"
    ),
    "slow": Broken(how={"seconds": 0.1, "sampled": True}, policy=_CANARY, phase="traffic", said="took longer than"),
}
"""Each is returned before a client could notice."""


def update_in_turn(service: Service, images: tuple[Image, Image], *, turns: int, rate: float, requests: int) -> Asked:
    """Deploy two images in turn to a service that runs the first of them, evenly over the requests."""
    clients = Clients(service)

    async def update(traffic):
        for turn in range(turns):
            traffic.phase = f"to {turn + 2}"
            image = images[(turn + 1) % 2]
            await call(lambda image=image: Service.deploy(service.workspace, service.name, image))
            traffic.phase = f"at {turn + 2}"
            least = max(traffic.count + 50, requests * (turn + 1) // turns)
            await until(lambda least=least: traffic.count >= least)

    report = clients.during(update, rate)
    return Asked(report=report, by_phase=clients.by_phase(report))


def assert_each_took_over(asked: Asked, *, turns: int, requests: int) -> None:
    """Claim that no request failed, and that no revision answered any after its successor had taken over."""
    asked.report.assert_min_samples(requests).assert_all_answered()
    for number in range(2, turns + 2):
        assert asked.by_phase[f"at {number}"] == {str(number)}
        assert asked.by_phase[f"to {number}"] <= {str(number - 1), str(number)}


def deploy_broken(
    service: Service, image: Image, broken: Broken, *, rate: float, requests: int = 0, patience: float = 3.0
) -> Returned:
    """Deploy an image that is broken to a service whose first revision runs.

    Parameters
    ----------
    requests
        How many clients send, at least; most of them when the service has returned the revision.
    patience
        Seconds to become ready, for one that never is.
    """
    clients, place = Clients(service), f"{service.workspace.location}/services/{service.name}/1"
    before, found = servers_of(place), dict[str, Any]()
    timeout = patience if "starting" in broken.how else 120.0

    async def roll_out(traffic):
        start = time.monotonic()
        found["error"] = await call(_refused, service, image, broken.policy, timeout)
        found["seconds"] = time.monotonic() - start
        traffic.phase = "returned"
        await until(lambda: traffic.count >= requests)

    report = clients.during(roll_out, rate)
    return Returned(
        asked=Asked(report=report, by_phase=clients.by_phase(report)),
        same_servers=servers_of(place) == before,
        **found,
    )


def _refused(service: Service, image: Image, policy: Policy, timeout: float) -> DeploymentFailedError:
    try:
        Service.deploy(service.workspace, service.name, image, policy=policy, timeout=timeout)
    except DeploymentFailedError as error:
        return error
    raise AssertionError(f"{service.name} serves what is broken")


def assert_returned(service: Service, broken: Broken, found: Returned) -> None:
    """Claim that no request failed, that the old revision served all the time, and that it is told what was wrong."""
    found.asked.report.assert_all_answered()
    assert found.asked.by_phase["returned"] == {"1"}
    assert (found.error.phase, broken.said in found.error.message) == (broken.phase, True), found.error
    assert found.same_servers
    assert_nothing_is_left(service, broken.said)


def assert_nothing_is_left(service: Service, said: str) -> None:
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


def kill_in_turn(
    service: Service, kill: Callable[[ReplicaInfo], None], *, times: int, rate: float, requests: int
) -> Killed:
    """Kill one of two replicas and then the other, and so on, evenly over the requests."""
    clients, back = Clients(service), list[float]()

    async def scenario(traffic):
        for turn in range(times):
            victim = service.refresh().revision.ready[turn % 2]
            start = time.monotonic()
            await call(kill, victim)
            await until(lambda: _all_serve(service, 2))
            back.append(time.monotonic() - start)
            least = requests * (turn + 1) // times
            await until(lambda least=least: traffic.count >= least)

    return Killed(report=clients.during(scenario, rate), back=tuple(back))


def _all_serve(service: Service, count: int) -> bool:
    """Say whether a service has so many replicas, and each answers; a record of one may be older than its end."""
    ready = service.refresh().revision.ready
    return len(ready) == count and service.state == "running" and all(_answers(one.placed.url) for one in ready)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready").status_code == 200
    except httpx.TransportError:
        return False


def servers_of_replica(service: Service, replica: ReplicaInfo) -> list[int]:
    """Find the processes of a replica of the first revision."""
    return servers_of(Path(service.workspace.location) / "services" / service.name / "1" / str(replica.number))


def starve(greedy: Service, bystander: Service, *, rate: float, seconds: float, pause: float = 0.0) -> Starved:
    """Ask a service for what it has no memory for, again and again after a pause, while clients ask another."""
    clients, times = Clients(bystander), 0
    before = clients.during(lambda _: asyncio.sleep(seconds), rate)

    async def ask(traffic):
        nonlocal times
        while traffic.now < seconds or not times:
            with suppress(ModelyardError):
                await call(greedy.run, {"data": [[7]]})
                raise AssertionError(f"{greedy.name} has all the memory that it needs")
            times += 1
            await until(lambda: _answers(greedy.url))
            await asyncio.sleep(pause)

    return Starved(before=before, meanwhile=clients.during(ask, rate), times=times)


def share_out(
    workspace: Workspace, name: str, images: tuple[Image, Image], *, rate: float, requests: int, users: int = 40
) -> Shares:
    """Give a tenth of a service to a canary, and ask as many users once each, then a few again and again."""
    service = Service.deploy(
        workspace, name, images[0], settings=ServiceSettings(sticky=Sticky(by="header", name="x-user"))
    )
    Service.deploy(workspace, name, images[1], policy=quick(Policy.by_hand((10,))), wait=False)
    wait_until(lambda: service.refresh().info.standing.traffic == {1: 90, 2: 10})
    single = Clients(service, header=lambda number: f"x-user: {number}")
    faithful = Clients(service, header=lambda number: f"x-user: {number % users}")

    async def ask(traffic, least):
        await until(lambda: traffic.count >= least)

    report = single.during(lambda traffic: ask(traffic, requests), rate)
    faithful.during(lambda traffic: ask(traffic, 20 * users), rate).assert_all_answered()
    met: dict[int, set[str | None]] = {}
    for number, revision in faithful.revisions:
        met.setdefault(number % users, set()).add(revision)
    return Shares(report=report, share=single.share(2), met=met)


def assert_shared_out(found: Shares, *, requests: int) -> None:
    """Claim that the share is a tenth, as near as so many requests tell, and that each user has met one revision."""
    found.report.assert_min_samples(requests).assert_all_answered()
    luck = 4 * (0.1 * 0.9 / requests) ** 0.5
    assert abs(found.share - 0.1) <= max(0.01, luck), found.share
    assert {len(revisions) for revisions in found.met.values()} == {1}
