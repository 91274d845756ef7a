"""Every place serves the same image alike: what is asked, what is answered, what is seen, how it fails."""

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.integration.targets.conftest import MODE, SCRIPT, make_image
from tests.integration.targets.placement import Place, Placement, make_wanted, placing

from modelyard.compute.group import dissolve, hold
from modelyard.errors import ModelyardError, ServerFailureError
from modelyard.images.spec import Resources
from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.target import Observed, find_target

TARGETS = ("process", "container")


@pytest.fixture(scope="module", params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    """Name each place, once what it stands on is up."""
    if request.param == "container":
        request.getfixturevalue("engine")
    return str(request.param)


@pytest.fixture(scope="module")
def limits(target: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip what the kernel does not let this user do."""
    place = tmp_path_factory.mktemp("limits")
    _, reason = hold(place, "modelyard-tests", Resources()) if target == "process" else ((), "")
    dissolve(place)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def service(target: str, module_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placement]:
    """Deploy the script once for the tests that leave it as it is."""
    image = make_image(module_workspace, tmp_path_factory.mktemp("image"))
    with placing(module_workspace) as place:
        yield place(f"scaling-{target}", image, target)


def _left(workspace: Workspace) -> list[Path]:
    return list((Path(workspace.location) / "services").rglob("*"))


def test_a_request_has_the_same_answer(service: Placement) -> None:
    assert service.run({"data": [1, 2.5]}) == [3, 7.5]
    with pytest.raises(ServerFailureError, match="JSONDecodeError"):
        service.run("{not json")
    assert httpx.get(f"{service.url}/ready").status_code == 200


def test_only_those_who_have_a_key_are_answered(service: Placement) -> None:
    for key in service.get_keys():
        headers = {"authorization": f"Bearer {key}"}
        assert httpx.post(service.scoring_uri, json={"data": [1]}, headers=headers).json() == [3]
    assert httpx.post(service.scoring_uri, json={"data": [1]}).status_code == 401


def test_a_script_sees_the_same_files_and_variables(service: Placement) -> None:
    seen = service.run({"seen": True})

    assert seen["files"] == ["code/score.py", "models/factor/1/factor.txt", "service.json"]
    assert (seen["models"], seen["app"], seen["mode"]) == ("models/factor/1", "code", MODE)
    wanted = ["AML_APP_ROOT", "AZUREML_ENTRY_SCRIPT", "AZUREML_MODEL_DIR", "MODEL_PATHS", "ORT_DISABLE_TELEMETRY"]
    assert seen["names"] == [*wanted, "PYTHONUNBUFFERED"]


def test_what_it_writes_is_in_its_log(service: Placement) -> None:
    assert "a line of init" in service.get_logs()
    assert len(service.get_logs(1).splitlines()) == 1


def test_its_image_is_named_in_its_metrics(service: Placement) -> None:
    headers = {"authorization": f"Bearer {service.get_keys()[0]}"}
    assert service.digest in httpx.get(f"{service.url}/metrics", headers=headers).text


def test_it_is_seen_to_run(service: Placement) -> None:
    assert (service.observe().state, service.observe().detail) == ("running", "")


def test_removing_leaves_nothing_and_may_be_done_twice(
    target: str, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    service = place("scaling", image(), target)

    service.remove()
    service.remove()

    assert (service.observe().state, service.get_logs(5), _left(workspace)) == ("stopped", "", [])
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{service.url}/ready")


def test_two_replicas_of_a_revision_run_side_by_side(
    target: str, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    made = image()
    first, second = (place("scaling", made, target, replica=number) for number in (1, 2))
    assert len({one.url for one in (first, second)} | {one.placed.facts["place"] for one in (first, second)}) == 4

    first.remove()
    assert [one.observe().state for one in (first, second)] == ["stopped", "running"]
    assert "a line of init" in second.get_logs()
    second.remove()
    assert (second.observe().state, _left(workspace)) == ("stopped", [])


@pytest.mark.parametrize(
    ("broken", "phase", "said"),
    [
        ("    factor = 1 / 0", "init", "ZeroDivisionError: division by zero"),
        ("    import nosuch", "init", "No module named 'nosuch'"),
        ("    open('/nosuch')", "init", "/nosuch"),
    ],
)
def test_a_start_that_fails_says_why_and_leaves_nothing(
    target: str, workspace: Workspace, place: Place, image: Callable[..., Image], broken: str, phase: str, said: str
) -> None:
    script = SCRIPT.replace('    print("a line of init")', broken)
    with pytest.raises(DeploymentFailedError, match=r"score\.py") as caught:
        place("scaling", image(script), target)

    assert caught.value.phase == phase
    assert said in caught.value.message
    assert _left(workspace) == []


def test_a_start_that_takes_too_long_is_ended(
    target: str, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    slow = image(SCRIPT.replace('    print("a line of init")', "    time.sleep(600)"))
    with pytest.raises(DeploymentFailedError, match="not ready after 4 seconds") as caught:
        place("scaling", slow, target, timeout=4)

    assert (caught.value.phase, _left(workspace)) == ("ready", [])


@pytest.mark.usefixtures("limits")
def test_memory_that_runs_out_in_a_start_is_said_with_limit_and_peak(
    target: str, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    large = SCRIPT.replace('    print("a line of init")', "    global held; held = b'x' * (600 << 20)")
    with pytest.raises(DeploymentFailedError, match=r"its limit is 256 MiB, at most 2\d\d MiB were in use"):
        place("scaling", image(large, memory="256MiB"), target)
    assert _left(workspace) == []


@pytest.mark.usefixtures("limits")
def test_memory_that_runs_out_later_is_said_and_touches_no_other(
    service: Placement, target: str, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    greedy = place("greedy", image(memory="256MiB"), target)

    with pytest.raises(ModelyardError):
        greedy.run({"allocate": 600})
    observed = greedy.until(lambda observed: observed.state == "running")

    assert re.search(r"out of memory: its limit is 256 MiB, at most 2\d\d MiB were in use", observed.detail)
    assert greedy.run({"data": [2]}) == [6]
    assert (service.observe(), service.run({"data": [1]})) == (Observed(state="running"), [3])


def test_a_port_that_is_taken_is_refused_in_words(
    target: str, workspace: Workspace, place: Place, image: Callable[..., Image]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ModelyardError, match=str(port)):
            place("scaling", image(), target, port=port)
    assert _left(workspace) == []


def test_a_plan_says_what_would_be_done_and_does_nothing(
    target: str, workspace: Workspace, image: Callable[..., Image]
) -> None:
    plan = find_target(target, workspace.settings).plan(make_wanted(workspace, image()))

    assert [step.verb for step in plan.steps][-1] == "wait"
    assert _left(workspace) == []
