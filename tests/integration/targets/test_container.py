"""Containers of a real engine: what is kept from them, and what is said when they are killed, removed or too large."""

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.targets.conftest import MODE, SCRIPT
from tests.integration.targets.placement import Place, make_wanted

from modelyard.images.errors import NoBaseError
from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace
from modelyard.services.target import Observed, find_target
from modelyard_deploy.container.errors import ContainerNameTakenError

pytestmark = pytest.mark.usefixtures("engine")


def _containers(engine: Any, workspace: Workspace, name: str = "") -> list[Any]:
    labels = [f"modelyard.workspace={workspace.info.id}", *([f"modelyard.service={name}"] if name else [])]
    return engine.containers.list(all=True, filters={"label": labels})


def test_a_script_can_do_nothing_outside_tmp(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    service = place("scaling", image(), "container")
    places = ["/", "/etc", "/model", "/model/code", "/opt/modelyard/server", "/run/secrets", "/usr", "/home", "/tmp"]

    written = service.run({"write": places})
    seen = service.run({"seen": True})

    assert {path for path, said in written.items() if said == "written"} == {"/tmp"}
    assert (seen["uid"], seen["home"]) == (65532, "/tmp")
    assert re.search(r"CapEff:\s0+\n", seen["status"])
    assert re.search(r"CapBnd:\s0+\n", seen["status"])
    assert re.search(r"NoNewPrivs:\s1\n", seen["status"])


def test_an_engine_is_asked_for_what_the_image_says(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    service = place("scaling", image(memory="384MiB"), "container")
    (container,) = _containers(engine, workspace)
    given, said = container.attrs["HostConfig"], container.attrs["Config"]

    assert (given["Memory"], given["MemorySwap"], given["NanoCpus"]) == (384 << 20, 384 << 20, 1_000_000_000)
    assert (given["ReadonlyRootfs"], given["CapDrop"], given["Privileged"]) == (True, ["ALL"], False)
    assert given["PidsLimit"] > 0
    assert given["RestartPolicy"]["Name"] == "unless-stopped"
    assert given["LogConfig"]["Config"] == {"max-file": "3", "max-size": "10m"}
    assert [(one["HostIp"], one["HostPort"]) for one in given["PortBindings"]["8080/tcp"]] == [
        ("127.0.0.1", service.url.rpartition(":")[2])
    ]
    assert [(one["Destination"], one["RW"]) for one in container.attrs["Mounts"]] == [("/run/secrets", False)]
    assert said["Labels"]["modelyard.image"] == said["Labels"]["modelyard.image.spec"] == service.digest
    assert "/ready" in " ".join(said["Healthcheck"]["Test"])


def test_keys_are_read_by_no_other_user(workspace: Workspace, place: Place, image: Callable[..., Image]) -> None:
    service = place("scaling", image(), "container")
    file = Path(service.placed.facts["keys"])
    code = "import os, sys; os.setgid(12345); os.setuid(12345); open(sys.argv[1])"

    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)

    assert "PermissionError" in done.stderr
    assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_uid) == (0o600, 65532)
    for folder in (file.parents[1], *file.parents[1].glob("*.json")):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_container_that_dies_is_restarted_at_the_same_address(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    service = place("scaling", image(), "container")
    (container,) = _containers(engine, workspace)

    os.kill(container.attrs["State"]["Pid"], signal.SIGKILL)
    service.until(lambda _: _containers(engine, workspace)[0].attrs["RestartCount"] == 1)
    service.until(lambda observed: observed.state == "running")

    assert service.run({"data": [2]}) == [6]


def test_a_container_that_cannot_start_again_says_so_until_it_can(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    service = place("scaling", image(), "container")
    keys = Path(service.placed.facts["keys"])
    keys.chmod(0o644)  # which the server refuses

    os.kill(_containers(engine, workspace)[0].attrs["State"]["Pid"], signal.SIGKILL)
    observed = service.until(lambda observed: "its start failed (3)" in observed.detail)
    keys.chmod(0o600)

    assert (observed.state, "it starts again" in observed.detail) == ("unready", True)
    assert service.until(lambda observed: observed.state == "running").detail == ""


def test_a_container_that_runs_out_of_memory_again_and_again_is_restarted_and_touches_no_other(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    line = "    global held; held = b'x' * (600 << 20 if Path('/run/secrets/greedy').exists() else 0)"
    greedy = place("greedy", image(SCRIPT.replace('    print("a line of init")', line), memory="256MiB"), "container")
    bystander = place("bystander", image(), "container")
    sign = Path(greedy.placed.facts["keys"]).with_name("greedy")
    sign.touch()

    os.kill(_containers(engine, workspace, "greedy")[0].attrs["State"]["Pid"], signal.SIGKILL)
    observed = greedy.until(lambda observed: re.search(r"for the ([3-9]|\d\d)\. time", observed.detail) is not None)
    assert (bystander.observe(), bystander.run({"data": [1]})) == (Observed(state="running"), [3])
    sign.unlink()

    assert (observed.state, "out of memory: its limit is 256 MiB" in observed.detail) == ("unready", True)
    again = greedy.until(lambda observed: observed.state == "running")
    assert again.detail in ("", "out of memory: its limit is 256 MiB")  # the engine forgets it, or not
    assert greedy.run({"data": [2]}) == [6]
    assert [one.attrs["RestartCount"] for one in _containers(engine, workspace, "bystander")] == [0]


def test_a_container_that_is_stopped_by_hand_stays_stopped_and_says_why(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    service = place("scaling", image(), "container")
    (container,) = _containers(engine, workspace)
    container.kill()

    observed = service.until(lambda observed: observed.state == "stopped")

    assert observed.detail == "it was killed (137), and not for lack of memory"
    service.remove()
    assert _containers(engine, workspace) == []


def test_a_container_that_somebody_removed_is_said_to_be_gone(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    service = place("scaling", image(), "container")
    _containers(engine, workspace)[0].remove(force=True)

    observed = service.observe()
    service.remove()

    assert (observed.state, "Modelyard did not remove it" in observed.detail) == ("stopped", True)


def test_an_image_that_is_gone_is_spoken_of(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    service = place("scaling", image(), "container")
    (container,) = _containers(engine, workspace)
    container.stop(timeout=20)
    engine.images.remove(f"modelyard-image:{service.digest}", force=True)

    observed = service.observe()
    assert observed.state == "stopped"
    assert observed.detail.startswith("it ended by itself")


def test_what_was_accepted_is_answered_before_a_container_ends(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    service = place("scaling", image(), "container")
    headers = {"authorization": f"Bearer {service.get_keys()[0]}"}
    answers = []

    def ask() -> None:
        body = {"data": [1], "sleep": 4}
        answers.append(httpx.post(service.scoring_uri, json=body, headers=headers, timeout=30))

    asking = threading.Thread(target=ask)
    asking.start()
    while asking.is_alive() and "a line of sleep" not in service.get_logs():
        time.sleep(0.05)
    assert answers == []
    service.remove()
    asking.join()

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, [3])]


def test_a_name_of_somebody_elses_container_is_left_alone(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    name = f"modelyard-scaling-1-1-{workspace.info.id[:12]}"
    other = engine.containers.create("python:3.11-slim", ["true"], name=name)
    try:
        with pytest.raises(ContainerNameTakenError, match=name):
            place("scaling", image(), "container")
        other.reload()
    finally:
        other.remove(force=True)


def test_what_a_killed_deployer_leaves_is_found_and_removed(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    made = image(SCRIPT.replace('    print("a line of init")', "    time.sleep(1)"))
    place("scaling", made, "container").remove()
    target = find_target("container", workspace.settings)
    plan = target.plan(make_wanted(workspace, made, "scaling"))
    code = "import sys; from modelyard import Image, Workspace; "
    code += "from tests.integration.targets.placement import Placement; w = Workspace.open(sys.argv[1]); "
    code += "print(flush=True); Placement(w, 'scaling', Image(w, sys.argv[2]), 'container')"
    for point in range(5):
        command = [sys.executable, "-c", code, workspace.location, made.id]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as deployer:
            deployer.stdout.readline()
            time.sleep(0.25 * point)
            deployer.kill()
        target.remove(plan.place)
        assert _containers(engine, workspace) == []
        assert list((Path(workspace.location) / "services").rglob("*")) == []


def test_an_image_without_steps_is_loaded_and_not_built(
    engine: Any, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    made = image(extra_docker_file_steps=[])
    said: list[str] = []
    service = place("scaling", made, "container", say=said.append)

    assert service.run({"data": [1]}) == [3]
    assert not [line for line in said if line.startswith("building")]
    assert f"modelyard-image:{made.digest}" in engine.images.get(f"modelyard-image:{made.digest}").tags
    seen = service.run({"seen": True})
    assert (seen["uid"], seen["mode"]) == (65532, MODE)


def test_an_image_without_a_base_says_what_to_do(
    workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    with pytest.raises(NoBaseError, match="base image"):
        place("scaling", image(extra_docker_file_steps=[], base_image="none"), "container")
    assert list((Path(workspace.location) / "services").rglob("*")) == []
