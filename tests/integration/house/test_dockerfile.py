"""The base scoring image, built from the Dockerfile by a real engine."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import onnx
import pytest
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parents[3]
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
TAG = "modelyard-scoring:test"
USER = 65532
KEY = "0123456789abcdef0123456789abcdef"
TABLE = {"type": "float32", "shape": [None, 2]}


@pytest.fixture(scope="module")
def image(docker_engine, tmp_path_factory: pytest.TempPathFactory):
    """Build the image from what the Dockerfile copies and nothing else, so that the layers stay cached."""
    context = tmp_path_factory.mktemp("context")
    for name in ("Dockerfile", ".dockerignore", "requirements-scoring.lock"):
        shutil.copy(ROOT / name, context)
    shutil.copytree(
        ROOT / "scoring/modelyard_scoring",
        context / "scoring/modelyard_scoring",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    if AUTHORITIES.exists():
        shutil.copy(AUTHORITIES, context / "ca-certificates.crt")
    return docker_engine.images.build(path=str(context), tag=TAG, rm=True)[0]


def _run(docker_engine, image, command: list[str], **options) -> str:
    return docker_engine.containers.run(image.id, command, entrypoint="", remove=True, **options).decode().strip()


def test_the_image_is_not_run_by_root(docker_engine, image) -> None:
    assert _run(docker_engine, image, ["id", "-u"]) == "65532"


def test_the_image_has_the_server_and_no_toolkit(docker_engine, image) -> None:
    script = "import importlib.util as u; print([n for n in NAMES if u.find_spec(n)])"
    names = "NAMES = ['modelyard_scoring', 'onnxruntime', 'modelyard', 'sqlalchemy', 'sklearn']; "

    assert _run(docker_engine, image, ["python3", "-c", names + script]) == "['modelyard_scoring', 'onnxruntime']"


@pytest.mark.parametrize(("cpus", "threads"), [(1.0, "1"), (0.3, "1"), (2.0, "2")])
def test_a_model_has_the_threads_of_the_container(docker_engine, image, cpus: float, threads: str) -> None:
    share = min(int(threads), len(os.sched_getaffinity(0)))
    script = "from modelyard_scoring.threads import engine_threads; print(engine_threads(1))"

    assert _run(docker_engine, image, ["python3", "-c", script], nano_cpus=int(cpus * 1e9)) == str(share)


def test_the_image_keeps_nothing_of_the_build(docker_engine, image) -> None:
    assert "build" not in _run(docker_engine, image, ["ls", "/"]).split()


def test_the_image_says_how_it_is_started_and_watched(image) -> None:
    config = image.attrs["Config"]

    assert config["Entrypoint"] == ["python3", "-m", "modelyard_scoring"]
    assert config["Healthcheck"]["Test"][:2] == ["CMD", "python3"]
    assert config["Labels"]["org.opencontainers.image.title"] == "modelyard-scoring"


def _doubling() -> bytes:
    """Make a model that gives twice what it takes."""
    rows = ["rows", 2]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "doubling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, rows)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, rows)],
    )
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture
def mounted(tmp_path: Path) -> dict[str, dict[str, str]]:
    """Make a model folder and a file of keys, as the image expects them."""
    place = tmp_path / "model/models/doubling/1"
    place.mkdir(parents=True)
    (place / "model.onnx").write_bytes(_doubling())
    model = {
        "name": "doubling",
        "version": 1,
        "path": "models/doubling/1",
        "engine": "onnx",
        "file": "model.onnx",
        "files": {"model.onnx": sha256(_doubling()).hexdigest()},
        "signature": {"inputs": [{"name": "x", **TABLE}], "outputs": [{"name": "y", **TABLE}]},
    }
    (tmp_path / "model/service.json").write_text(json.dumps({"format": 1, "name": "doubling", "models": [model]}))
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"primary": KEY, "secondary": KEY[::-1]}))
    keys.chmod(0o600)
    shutil.chown(keys, USER)
    return {
        str(tmp_path / "model"): {"bind": "/model", "mode": "ro"},
        str(keys): {"bind": "/run/secrets/keys.json", "mode": "ro"},
    }


@pytest.fixture
def container(docker_engine, image, mounted) -> Iterator:
    """Run the image as it should be run: nothing but /tmp can be written, and nothing is granted."""
    container = docker_engine.containers.run(
        image.id,
        detach=True,
        read_only=True,
        tmpfs={"/tmp": ""},
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit="512m",
        volumes=mounted,
        ports={"8080/tcp": ("127.0.0.1", None)},
    )
    yield container
    container.remove(force=True)


def _wait_until_healthy(container) -> str:
    """Wait for the engine's own verdict, and give the address on this machine."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        container.reload()
        state = container.attrs["State"]
        assert state["Running"], container.logs().decode()
        if state["Health"]["Status"] == "healthy":
            return f"http://127.0.0.1:{container.ports['8080/tcp'][0]['HostPort']}"
        time.sleep(0.2)
    raise AssertionError(f"{state['Health']}\n{container.logs().decode()}")


def test_a_container_is_live_scores_and_stops_when_told(container) -> None:
    address = _wait_until_healthy(container)

    assert httpx.get(f"{address}/live").status_code == 200
    assert httpx.post(f"{address}/score", json={"data": [[1, 2]]}).status_code == 401
    scored = httpx.post(f"{address}/score", json={"data": [[1, 2]]}, headers={"Authorization": f"Bearer {KEY}"})
    assert scored.status_code == 200, scored.text
    assert "[2.0,4.0]" in scored.text.replace(" ", "")
    container.stop(timeout=30)
    assert container.wait()["StatusCode"] == 0, container.logs().decode()


def test_any_user_serves_from_a_root_that_cannot_be_written(docker_engine, image, mounted) -> None:
    """Run it as Kubernetes may: as a user that no file names, with a secret of root's that only a group reads."""
    keys = next(path for path, bind in mounted.items() if bind["bind"].endswith("keys.json"))
    os.chown(keys, 0, 2000)
    Path(keys).chmod(0o440)
    container = docker_engine.containers.run(
        image.id,
        detach=True,
        user="10001:10001",
        group_add=["2000"],
        read_only=True,
        tmpfs={"/tmp": "size=1m"},
        shm_size="1m",
        entrypoint=["env", "-u", "HOME", "LC_ALL=C", "LANG=C", "TZ=Asia/Kathmandu"],
        command=["python3", "-m", "modelyard_scoring", "/model", "--workers", "2", "--admin-port", "9090"],
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit="512m",
        volumes=mounted,
        ports={"8080/tcp": ("127.0.0.1", None), "9090/tcp": ("127.0.0.1", None)},
    )
    try:
        address = _wait_until_healthy(container)
        assert container.exec_run(["id", "-u"]).output.decode().strip() == "10001"
        assert container.exec_run(["touch", "/opt/modelyard/x"]).exit_code != 0
        for header in ({"Authorization": f"Bearer {KEY}"}, {"x-api-key": KEY[::-1]}):
            assert httpx.post(f"{address}/score", json={"data": [[1, 2]]}, headers=header).status_code == 200
        assert (
            httpx.post(f"{address}/score", json={"data": [[1, 2]]}, headers={"x-api-key": "a" * 20}).status_code == 401
        )
        admin = f"http://127.0.0.1:{container.ports['9090/tcp'][0]['HostPort']}"
        assert httpx.get(f"{admin}/ready").status_code == 200
        assert "modelyard_scoring_rows_total" in httpx.get(f"{admin}/metrics").text
        container.stop(timeout=30)
        assert container.wait()["StatusCode"] == 0, container.logs().decode()
        assert "raceback" not in container.logs().decode()
    finally:
        container.remove(force=True)


def test_a_container_without_keys_refuses_to_start(docker_engine, image, mounted) -> None:
    folder = {path: bind for path, bind in mounted.items() if bind["bind"] == "/model"}

    container = docker_engine.containers.run(image.id, detach=True, volumes=folder)
    try:
        assert container.wait(timeout=120)["StatusCode"] != 0
        assert "/run/secrets/keys.json" in container.logs().decode()
    finally:
        container.remove(force=True)
