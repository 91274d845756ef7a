"""Services of models as real processes of this machine."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from onnx import TensorProto, helper
from tests.integration.services.adding import register, sum_model
from tests.integration.services.clients import wait_until
from tests.integration.services.ending import kill, runner_of, servers_of

from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.models.signature import Sample
from modelyard.sdk.model.model import Model
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError, UnknownTargetError
from modelyard.services.router import find_router

DEPLOY = """
import sys
from modelyard import Service, Workspace
workspace = Workspace.open(sys.argv[1])
print(flush=True)
Service.deploy(workspace, sys.argv[2], models=[sys.argv[3]])
workspace.close()
"""


@pytest.fixture
def model(yard: Workspace) -> str:
    return register(yard, sum_model()).id


def _folder(workspace: Workspace, name: str) -> Path:
    return Path(workspace.location) / "services" / name


def _left(workspace: Workspace, name: str) -> tuple[list[Path], list[int], list[str]]:
    """Say what there is of a service: files, processes, and routes."""
    folder = _folder(workspace, name)
    routes = [route.service for route in find_router(workspace.settings).routes()]
    return (
        [folder, *folder.rglob("*")] if folder.exists() else [],
        servers_of(folder),
        [route for route in routes if route.startswith(f"{name}.")],
    )


def test_a_deployed_model_answers_only_those_who_have_a_key(yard: Workspace, name: str, model: str) -> None:
    service = Service.deploy(yard, name, models=[model])

    assert service.run([[1, 2], [3, 4]]) == {"prediction": [[3.0], [7.0]]}
    assert service.run(np.array([[0.5, 0.25]])) == {"prediction": [[0.75]]}
    assert httpx.post(service.scoring_uri, json={"data": [[1, 2]]}).status_code == 401
    second = {"authorization": f"Bearer {service.get_keys()[1]}"}
    assert httpx.post(service.scoring_uri, json={"data": [[1, 2]]}, headers=second).status_code == 200
    keys = list(_folder(yard, name).rglob("*keys.json"))
    assert len(keys) == 3
    assert {file.stat().st_mode & 0o777 for file in keys} == {0o600}


def test_behind_the_router_a_replica_does_not_take_the_clients_keys(yard: Workspace, name: str, model: str) -> None:
    service = Service.deploy(yard, name, models=[model])
    (replica,) = service.revision.replicas
    headers = {"authorization": f"Bearer {service.get_keys()[0]}"}

    answer = httpx.post(f"{replica.placed.url}/score", json={"data": [[1, 2]]}, headers=headers)

    assert answer.status_code == 401


def test_a_model_of_several_tensors_is_registered_with_named_arrays(yard: Workspace, name: str, tmp_path: Path) -> None:
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", 2]) for name in names] for names in ("ab", "c")
    ]
    graph = helper.make_graph([helper.make_node("Mul", ["a", "b"], ["c"])], "product", *ends)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "product.onnx").write_bytes(made.SerializeToString())
    tensors = {"a": np.array([[1, 2], [3, 4]]), "b": np.array([[5, 6], [7, 8]])}
    sample = (tensors, {"c": tensors["a"] * tensors["b"]})
    model = Model.register(yard, model_path=tmp_path / "product.onnx", model_name="product", sample=sample)

    service = Service.deploy(yard, name, models=[model.id])

    assert service.run(service.sample()) == {"c": [[5, 12], [21, 32]]}
    assert service.run({"data": tensors}) == {"c": [[5, 12], [21, 32]]}
    with pytest.raises(InvalidValueError, match="In the tensor 'b': Row 0"):
        service.run({"data": {**tensors, "b": [[1], [2]]}})


def test_what_the_router_counts_is_told_by_service_and_revision(yard: Workspace, name: str, model: str) -> None:
    service = Service.deploy(yard, name, models=[model])
    service.run([[1, 2]])

    modelyard = str(Path(sys.executable).with_name("modelyard"))
    command = [modelyard, "service", "metrics", "-w", yard.location]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout

    counted = f'envoy_cluster_upstream_rq_xx{{envoy_response_code_class="2",envoy_cluster_name="{name}~'
    assert [line for line in told.splitlines() if line.startswith(counted) and "/1/" in line]


def test_bad_rows_are_refused_with_their_place(yard: Workspace, name: str, model: str) -> None:
    service = Service.deploy(yard, name, models=[model])

    with pytest.raises(InvalidValueError, match="Row 1"):
        service.run([[1, 2], [3]])


def test_a_service_outlives_what_deployed_it_and_the_runner(yard: Workspace, name: str, model: str) -> None:
    command = [sys.executable, "-c", DEPLOY, yard.location, name, model]
    subprocess.run(command, check=True, timeout=240, start_new_session=True, capture_output=True)
    service = Service(yard, name)
    assert service.state == "running"

    kill(runner_of(yard))
    wait_until(lambda: runner_of(yard) is None)

    assert service.state == "unattended"
    assert service.run([[1, 2]]) == {"prediction": [[3.0]]}


def test_deleting_leaves_nothing(yard: Workspace, name: str, model: str) -> None:
    service = Service.deploy(yard, name, models=[model], workers=2)
    # one warm worker makes it ready; the other may still be starting
    wait_until(lambda: len(servers_of(_folder(yard, name))) == 3)

    service.delete()

    assert _left(yard, name) == ([], [], [])
    with pytest.raises(NotFoundError):
        Service(yard, name)


def test_deploying_what_serves_already_starts_nothing(yard: Workspace, name: str, model: str) -> None:
    Service.deploy(yard, name, models=[model])
    before = servers_of(_folder(yard, name))

    again = Service.deploy(yard, name, models=[model])

    assert (again.revision.number, len(again.rollouts()), servers_of(_folder(yard, name))) == (1, 1, before)


def test_a_new_revision_takes_over_and_the_old_one_ends(yard: Workspace, name: str, model: str) -> None:
    Service.deploy(yard, name, models=[model])

    second = Service.deploy(yard, name, models=[register(yard, sum_model()).id])

    assert (second.revision.number, second.run([[1, 1]])) == (2, {"prediction": [[2.0]]})
    wait_until(lambda: not (_folder(yard, name) / "1").exists())
    assert servers_of(_folder(yard, name) / "1") == []
    assert [(one.number, one.state) for one in second.revisions()] == [(2, "running"), (1, "replaced")]


def test_a_model_that_cannot_start_gives_phase_and_reason_and_leaves_a_service_that_has_failed(
    yard: Workspace, name: str
) -> None:
    model = register(yard, b"this is not a model")

    with pytest.raises(DeploymentFailedError, match="Hint") as caught:
        Service.deploy(yard, name, models=[model.id])

    assert (caught.value.phase, "cannot be served" in str(caught.value)) == ("init", True)
    service = Service(yard, name)
    assert (service.state, "cannot be served" in service.revision.reason) == ("failed", True)
    assert not (_folder(yard, name) / "1").exists()
    service.delete()
    assert _left(yard, name) == ([], [], [])


def test_a_service_that_has_failed_serves_when_a_better_revision_comes(yard: Workspace, name: str, model: str) -> None:
    with pytest.raises(DeploymentFailedError):
        Service.deploy(yard, name, models=[register(yard, b"this is not a model").id])

    service = Service.deploy(yard, name, models=[model])

    assert (service.state, service.run([[1, 2]])) == ("running", {"prediction": [[3.0]]})


def test_a_model_that_answers_otherwise_than_recorded_never_becomes_ready(yard: Workspace, name: str) -> None:
    wrong = Sample(request={"data": [[1.0, 2.0]]}, answer={"prediction": [[4.0]]})

    with pytest.raises(DeploymentFailedError) as caught:
        Service.deploy(yard, name, models=[register(yard, sum_model(), wrong).id])

    assert caught.value.phase == "warm-up"
    assert servers_of(_folder(yard, name)) == []


def test_what_ran_runs_on_when_its_successor_fails(yard: Workspace, name: str, model: str) -> None:
    Service.deploy(yard, name, models=[model])
    before = servers_of(_folder(yard, name))

    with pytest.raises(DeploymentFailedError):
        Service.deploy(yard, name, models=[register(yard, b"this is not a model").id])

    service = Service(yard, name)
    assert (service.revision.number, service.run([[1, 2]])) == (1, {"prediction": [[3.0]]})
    assert [(one.number, one.state) for one in service.revisions()] == [(2, "failed"), (1, "running")]
    assert servers_of(_folder(yard, name)) == before


def test_a_flipped_byte_is_found_before_anything_starts(yard: Workspace, name: str) -> None:
    model = register(yard, sum_model(), Sample(request={"data": [[9, 9]]}, answer={"prediction": [[18.0]]}))
    (entry,) = yard.backend.trees.get(model.tree).entries
    blob = Path(yard.location) / "blobs" / entry.sha256[:2] / entry.sha256
    whole = blob.read_bytes()
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 1
    blob.write_bytes(damaged)

    with pytest.raises(DeploymentFailedError, match=r"model\.onnx is damaged"):
        Service.deploy(yard, name, models=[model.id])

    blob.write_bytes(whole)
    assert (Service(yard, name).state, servers_of(_folder(yard, name))) == ("failed", [])


def test_a_deployer_that_is_killed_leaves_a_service_that_comes_about_or_none(
    yard: Workspace, name: str, model: str
) -> None:
    command = [sys.executable, "-c", DEPLOY, yard.location, name, model]
    length, found = None, []
    for point in range(5):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as deployer:
            assert deployer.stdout is not None
            deployer.stdout.readline()
            began = time.monotonic()
            if length is None:
                deployer.wait()
                length = time.monotonic() - began
            time.sleep(length * point / 4)
            deployer.kill()
        for service in [one for one in Service.list(yard) if one.name == name]:
            found.append(service.wait().run([[1, 2]]))
            service.delete()
        assert _left(yard, name) == ([], [], [])
    assert len(found) > 1
    assert all(answer == {"prediction": [[3.0]]} for answer in found)


def test_a_service_whose_process_was_killed_is_started_again(yard: Workspace, name: str, model: str) -> None:
    service = Service.deploy(yard, name, models=[model])

    kill(*servers_of(_folder(yard, name)))
    wait_until(lambda: "1 of 1 replicas of revision 1 do not run" in service.refresh().info.standing.problem)
    assert service.info.state == "unhealthy"
    wait_until(lambda: service.state == "running")

    assert [one.number for one in service.revision.ready] == [2]
    assert service.run([[1, 2]]) == {"prediction": [[3.0]]}
    wait_until(lambda: not (_folder(yard, name) / "1" / "1").exists())


def test_its_environment_holds_none_of_the_deployers_secrets(
    yard: Workspace, name: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-3141592")
    kill(runner_of(yard))  # the next one has the secret
    wait_until(lambda: runner_of(yard) is None)
    service = Service.deploy(yard, name, models=[model])

    assert b"canary-3141592" in Path(f"/proc/{runner_of(yard)}/environ").read_bytes()
    servers = servers_of(_folder(yard, name))
    assert servers
    assert not any(b"canary-3141592" in Path(f"/proc/{pid}/environ").read_bytes() for pid in servers)
    assert "canary-3141592" not in service.get_logs()


def test_an_unknown_target_is_an_error_that_names_those_there_are(yard: Workspace, name: str, model: str) -> None:
    with pytest.raises(UnknownTargetError, match="process"):
        Service.deploy(yard, name, models=[model], target="proces")
