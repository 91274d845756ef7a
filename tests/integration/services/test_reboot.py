"""Everything of a workspace ends at once, as by a reboot, or is ended; and all that should run runs again."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.integration.services.clients import wait_until
from tests.integration.services.conftest import MakeImage, new_yard
from tests.integration.services.ending import end_all, runner_of, servers_of
from tests.integration.services.policies import quick
from tests.integration.targets.conftest import SCRIPT, make_image

from modelyard.sdk.model.model import Model
from modelyard.sdk.service.scoring import unanswered
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.policy import Policy
from modelyard_deploy.container.confinement import WORKSPACE
from modelyard_deploy.noted import started
from modelyard_deploy.router.envoy import Envoy

ROWS = {"data": [[1, 2], [3, 4]]}


@pytest.fixture
def yard() -> Iterator[Workspace]:
    """Give a workspace for one test: what comes up with it is what the test deployed."""
    with new_yard() as workspace:
        yield workspace


def _modelyard(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "modelyard.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def _up(workspace: Workspace) -> list[dict[str, Any]]:
    done = _modelyard("up", "--json", "--timeout", "240", "-w", workspace.location)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def _known(service: Service) -> tuple[Any, ...]:
    """Give what clients know of a service, and what answers them."""
    answer = httpx.post(
        service.refresh().scoring_uri, json=ROWS, headers={"authorization": f"Bearer {service.get_keys()[0]}"}
    )
    return service.url, service.get_keys(), answer.headers["x-modelyard-revision"], answer.json()


@pytest.fixture
def innocent() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that is none of ours."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process
        process.kill()


def test_after_a_reboot_the_same_addresses_keys_and_revisions_answer(
    yard: Workspace, name: str, image: MakeImage, innocent: subprocess.Popen[bytes]
) -> None:
    plain = Service.deploy(yard, name, image(version=1), replicas=2)
    rolling = Service.deploy(yard, f"{name}-rolling", image(version=2))
    stopped = Service.deploy(yard, f"{name}-stopped", image(version=2))
    stopped.stop()
    known = [_known(service) for service in (plain, rolling)]
    policy = quick(Policy.by_hand((50,)))
    Service.deploy(yard, rolling.name, image(version=3), policy=policy, wait=False)
    begun = Service.deploy(yard, f"{name}-begun", image(version=4, starting=2), wait=False)
    wait_until(lambda: rolling.refresh().rollout.state == "waiting")
    wait_until(lambda: bool(servers_of(Path(yard.location) / "services" / begun.name)))

    end_all(yard)
    _give_numbers_to(innocent.pid, yard)
    assert {service.state for service in (plain, rolling, begun)} == {"unattended"}
    told = _up(yard)

    assert {one["service"] for one in told} == {plain.name, rolling.name, begun.name}
    assert [_known(plain), _known(rolling)[:2]] == [known[0], known[1][:2]]
    assert [one.number for one in plain.revision.ready] == [3, 4]
    assert innocent.poll() is None
    assert begun.wait().state == "running"
    rolling.promote()
    wait_until(lambda: rolling.refresh().rollout.stage == 1)
    assert rolling.promote().wait().revision.number == 2
    assert (_known(rolling)[2], stopped.state) == ("2", "stopped")


def _give_numbers_to(pid: int, workspace: Workspace) -> None:
    """Have every note of a process name another one, which has its number, and began as long after another boot."""
    ticks = started(pid).split()[0]
    notes = [*Path(workspace.location).rglob("process.json"), *workspace.settings.home.rglob("process.json")]
    assert len(notes) > 4
    for note in notes:
        note.write_text(json.dumps({"pid": pid, "started": f"{ticks} of-another-boot"}))


def test_what_is_ended_by_hand_is_brought_up_again_and_both_may_be_said_twice(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service = Service.deploy(yard, name, image(version=1), replicas=2)
    known = _known(service)

    ended = json.loads(_modelyard("down", "--json", "-w", yard.location).stdout)

    assert ({"service": name, "url": "", "problem": ""} in ended["services"], ended["router"]) == (True, True)
    assert (runner_of(yard), servers_of(yard.location), Envoy(yard.settings.home / "router").find()) == (None, [], None)
    assert (service.state, service.revision.replicas, service.info.wanted) == ("unattended", (), "running")
    assert "The router has ended" in _modelyard("down", "-w", yard.location).stdout
    _up(yard)
    servers = servers_of(yard.location)
    assert name in _modelyard("up", "-w", yard.location).stdout
    assert (_known(service), servers_of(yard.location)) == (known, servers)


def test_a_service_whose_port_was_taken_says_so_and_holds_up_no_other(
    yard: Workspace, name: str, image: MakeImage
) -> None:
    service, other = (Service.deploy(yard, f"{name}-{number}", image(version=1)) for number in (1, 2))
    known = _known(other)
    end_all(yard)
    port = urlsplit(service.url).port
    with answering(port):
        assert _modelyard("up", "--timeout", "0", "-w", yard.location).returncode == 1
        wait_until(lambda: str(port) in service.refresh().info.standing.problem)
        done = _modelyard("up", "--timeout", "0", "-w", yard.location)
        assert (done.returncode, f"another program answers at {service.url}" in done.stdout) == (1, True)
        wait_until(lambda: not unanswered(other.url, None, routed=True))
        assert _known(other) == known

    _up(yard)
    assert service.run(ROWS) == {"y": ROWS["data"]}


@contextmanager
def answering(port: int | None) -> Iterator[None]:
    """Answer at a port, which is free in a moment, as any web server does."""
    bound: list[ThreadingHTTPServer] = []

    def bind() -> bool:
        with suppress(OSError):
            bound.append(ThreadingHTTPServer(("127.0.0.1", port or 0), _Any))
        return bool(bound)

    wait_until(bind)
    thread = threading.Thread(target=bound[0].serve_forever)
    thread.start()
    try:
        yield
    finally:
        bound[0].shutdown()
        bound[0].server_close()
        thread.join()


class _Any(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def test_what_does_not_come_up_says_why_with_status_1(yard: Workspace, name: str, image: MakeImage) -> None:
    service = Service.deploy(yard, name, image(version=1))
    end_all(yard)
    for blob in (Path(yard.location) / "blobs").rglob("*"):
        if blob.is_file() and b"KeyError" in blob.read_bytes():  # the script
            blob.unlink()

    done = _modelyard("up", "--timeout", "5", "-w", yard.location)

    assert done.returncode == 1
    assert f"{name}: 0 of 1 replicas run" in done.stdout
    wait_until(lambda: "does not start" in service.refresh().info.standing.problem)
    assert service.state == "unhealthy"


def test_containers_come_up_too(docker_engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_HOME", str(tmp_path / "home"))
    with Workspace.create("boxes", path=tmp_path) as workspace:
        (tmp_path / "factor.txt").write_text("3")
        Model.register(workspace, model_path=tmp_path / "factor.txt", model_name="factor")
        service = Service.deploy(workspace, "boxed", make_image(workspace, tmp_path, SCRIPT), target="container")
        try:
            before = service.url, service.get_keys(), service.run([1, 2])
            end_all(workspace)
            for container in docker_engine.containers.list(filters={"label": f"{WORKSPACE}={workspace.info.id}"}):
                container.kill()
            _up(workspace)
            assert (service.refresh().url, service.get_keys(), service.run([1, 2])) == before
        finally:
            service.delete()
            end_all(workspace)
