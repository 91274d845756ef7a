"""Services as real processes of this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from onnx import TensorProto, checker, helper

from modelyard.environments.recording import lock_running
from modelyard.errors import AlreadyExistsError, DigestMismatchError, InvalidValueError, NotFoundError
from modelyard.models.model import ModelVersion, NewModelVersion
from modelyard.models.signature import Field, Sample, Signature
from modelyard.sdk.model.model import Model
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import DeploymentFailedError, UnknownTargetError
from modelyard.settings import Settings
from modelyard.store.tree import Entry, Tree

SIGNATURE = Signature(
    inputs=(Field(name="input", type="float32", shape=(None, 2)),),
    outputs=(Field(name="prediction", type="float32", shape=(None, 1)),),
)
SAMPLE = Sample(request={"data": [[1.0, 2.0]]}, answer={"prediction": [[3.0]]})


def _sum_model() -> bytes:
    """Make a model that adds the two numbers of each row."""
    node = helper.make_node("ReduceSum", ["input", "axes"], ["prediction"], keepdims=1)
    graph = helper.make_graph(
        [node],
        "sum",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("axes", TensorProto.INT64, [1], [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return bytes(model.SerializeToString())


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MODELYARD_HOME", str(tmp_path / "home"))
    with Workspace.create("services", path=tmp_path) as opened:
        yield opened
        for service in Service.list(opened):
            service.delete()


def _register(workspace: Workspace, content: bytes, sample: Sample = SAMPLE) -> ModelVersion:
    backend = workspace.backend
    entry = Entry(path="model.onnx", sha256=backend.blobs.put(content), size=len(content))
    new = NewModelVersion(
        tree=backend.trees.create(Tree.of([entry])).digest,
        signature=SIGNATURE,
        sample=backend.blobs.put(json.dumps({"request": sample.request, "answer": sample.answer}).encode()),
        lock=backend.blobs.put(lock_running(["onnxruntime", "numpy"]).to_json()),
    )
    return backend.models.register("sum", new)


def _left(workspace: Workspace) -> list[Path]:
    return list((Path(workspace.location) / "services").rglob("*"))


def _served_from(folder: str) -> list[int]:
    """Find the processes whose command names `folder`."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if folder in command and "modelyard_scoring" in command:
                found.append(int(process.name))
    return found


def test_a_deployed_model_answers_only_those_who_have_a_key(workspace: Workspace) -> None:
    service = Service.deploy(workspace, "sum", models=[_register(workspace, _sum_model()).id])

    assert service.run([[1, 2], [3, 4]]) == {"prediction": [[3.0], [7.0]]}
    assert service.run(np.array([[0.5, 0.25]])) == {"prediction": [[0.75]]}
    assert httpx.post(service.scoring_uri, json={"data": [[1, 2]]}).status_code == 401
    second = {"authorization": f"Bearer {service.get_keys()[1]}"}
    assert httpx.post(service.scoring_uri, json={"data": [[1, 2]]}, headers=second).status_code == 200
    keys = Path(service.revision.placed.facts["place"]) / "keys.json"
    assert keys.stat().st_mode & 0o777 == 0o600


def test_a_model_of_several_tensors_is_registered_with_named_arrays(workspace: Workspace, tmp_path: Path) -> None:
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", 2]) for name in names] for names in ("ab", "c")
    ]
    graph = helper.make_graph([helper.make_node("Mul", ["a", "b"], ["c"])], "product", *ends)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "product.onnx").write_bytes(made.SerializeToString())
    tensors = {"a": np.array([[1, 2], [3, 4]]), "b": np.array([[5, 6], [7, 8]])}
    sample = (tensors, {"c": tensors["a"] * tensors["b"]})
    model = Model.register(workspace, model_path=tmp_path / "product.onnx", model_name="product", sample=sample)

    service = Service.deploy(workspace, "product", models=[model.id])

    assert service.run(service.sample()) == {"c": [[5, 12], [21, 32]]}
    assert service.run({"data": tensors}) == {"c": [[5, 12], [21, 32]]}
    with pytest.raises(InvalidValueError, match="In the tensor 'b': Row 0"):
        service.run({"data": {**tensors, "b": [[1], [2]]}})


def test_bad_rows_are_refused_with_their_place(workspace: Workspace) -> None:
    service = Service.deploy(workspace, "sum", models=[_register(workspace, _sum_model()).id])

    with pytest.raises(InvalidValueError, match="Row 1"):
        service.run([[1, 2], [3]])


def test_a_service_outlives_what_deployed_it_and_is_found_again(workspace: Workspace) -> None:
    model = _register(workspace, _sum_model())
    code = "import sys; from modelyard import Service, Workspace; w = Workspace.open(sys.argv[1]); "
    code += "Service.deploy(w, 'sum', models=[sys.argv[2]]); w.close()"

    subprocess.run(
        [sys.executable, "-c", code, workspace.location, model.id], check=True, timeout=120, start_new_session=True
    )

    service = Service(workspace, "sum")
    assert service.state == "running"
    assert service.run([[1, 2]]) == {"prediction": [[3.0]]}


def test_deleting_leaves_nothing(workspace: Workspace) -> None:
    service = Service.deploy(workspace, "sum", models=[_register(workspace, _sum_model()).id], workers=2)
    deadline = time.monotonic() + 30
    while len(_served_from(workspace.location)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)  # one warm worker makes it ready; the other may still be starting
    assert len(_served_from(workspace.location)) == 3  # the master and two workers

    service.delete()

    assert (_left(workspace), _served_from(workspace.location)) == ([], [])
    with pytest.raises(NotFoundError):
        Service(workspace, "sum")


def test_a_new_revision_takes_over_and_the_old_one_ends(workspace: Workspace) -> None:
    model = _register(workspace, _sum_model())
    first = Service.deploy(workspace, "sum", models=[model.id])

    with pytest.raises(AlreadyExistsError):
        Service.deploy(workspace, "sum", models=[model.id])
    second = Service.deploy(workspace, "sum", models=[model.id], replace=True)

    assert (second.revision.number, second.run([[1, 1]])) == (2, {"prediction": [[2.0]]})
    assert first.observe().state == "stopped"
    assert [folder.name for folder in (Path(workspace.location) / "services/sum").iterdir()] == ["2"]


def test_a_model_that_cannot_start_gives_phase_and_reason_and_leaves_nothing(workspace: Workspace) -> None:
    model = _register(workspace, b"this is not a model")

    with pytest.raises(DeploymentFailedError, match="Hint") as caught:
        Service.deploy(workspace, "sum", models=[model.id])

    assert caught.value.phase == "init"
    assert "cannot be served" in str(caught.value)
    assert (_left(workspace), _served_from(workspace.location), Service.list(workspace)) == ([], [], [])


def test_a_model_that_answers_otherwise_than_recorded_never_becomes_ready(workspace: Workspace) -> None:
    wrong = Sample(request={"data": [[1.0, 2.0]]}, answer={"prediction": [[4.0]]})

    with pytest.raises(DeploymentFailedError) as caught:
        Service.deploy(workspace, "sum", models=[_register(workspace, _sum_model(), wrong).id])

    assert caught.value.phase == "warm-up"
    assert (_left(workspace), _served_from(workspace.location)) == ([], [])


def test_what_ran_runs_on_when_its_successor_fails(workspace: Workspace) -> None:
    Service.deploy(workspace, "sum", models=[_register(workspace, _sum_model()).id])
    broken = _register(workspace, b"this is not a model")

    with pytest.raises(DeploymentFailedError):
        Service.deploy(workspace, "sum", models=[broken.id], replace=True)

    service = Service(workspace, "sum")
    assert (service.revision.number, service.run([[1, 2]])) == (1, {"prediction": [[3.0]]})
    assert [(r.number, r.state) for r in service.revisions()] == [(2, "failed"), (1, "running")]


def test_a_flipped_byte_is_found_before_anything_starts(workspace: Workspace) -> None:
    model = _register(workspace, _sum_model())
    (entry,) = workspace.backend.trees.get(model.tree).entries
    blob = Path(workspace.location) / "blobs" / entry.sha256[:2] / entry.sha256
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)

    with pytest.raises(DigestMismatchError, match=r"model\.onnx is damaged"):
        Service.deploy(workspace, "sum", models=[model.id])

    assert (_left(workspace), Service.list(workspace)) == ([], [])


def test_a_killed_deployment_can_be_deleted(workspace: Workspace) -> None:
    """SIGKILL of the deployer at various points: what it left is listed and removed, and the name is free again."""
    model = _register(workspace, _sum_model())
    Service.deploy(workspace, "warm", models=[model.id]).delete()
    code = "import sys; from modelyard import Service, Workspace; w = Workspace.open(sys.argv[1]); print(flush=True); "
    code += "Service.deploy(w, 'sum', models=[sys.argv[2]])"
    states = []
    for point in range(8):
        deployer = subprocess.Popen([sys.executable, "-c", code, workspace.location, model.id], stdout=subprocess.PIPE)
        deployer.stdout.readline()
        time.sleep(0.12 * point)
        deployer.send_signal(signal.SIGKILL)
        deployer.wait()
        deployer.stdout.close()
        time.sleep(0.3)  # what it had started may be about to listen
        for service in Service.list(workspace):
            states.append(service.state)
            service.delete()
        assert (_left(workspace), _served_from(workspace.location)) == ([], [])
    assert "deploying" in states


def test_a_service_whose_process_was_killed_is_said_to_be_stopped(workspace: Workspace) -> None:
    service = Service.deploy(workspace, "sum", models=[_register(workspace, _sum_model()).id])
    noted = json.loads((Path(service.revision.placed.facts["place"]) / "process.json").read_bytes())
    for pid in sorted(_served_from(workspace.location)):
        os.kill(pid, signal.SIGKILL)

    deadline = time.monotonic() + 10
    while service.state != "stopped" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (service.state, noted["pid"] > 0) == ("stopped", True)


def test_its_environment_holds_none_of_the_deployers_secrets(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-3141592")
    service = Service.deploy(workspace, "sum", models=[_register(workspace, _sum_model()).id])

    for pid in _served_from(workspace.location):
        assert b"canary-3141592" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert "canary-3141592" not in service.get_logs()


def test_an_unknown_target_is_an_error_that_names_those_there_are(workspace: Workspace) -> None:
    model = _register(workspace, _sum_model())

    with pytest.raises(UnknownTargetError, match="process"):
        Service.deploy(workspace, "sum", models=[model.id], target="proces")


def test_settings_are_read_from_the_environment(workspace: Workspace, tmp_path: Path) -> None:
    assert Settings.read().home == tmp_path / "home"
