"""OCI images of real models: the same bytes everywhere, run by a real engine, taken in by another workspace."""

import json
import os
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import httpx
import numpy as np
import pytest
from onnx import TensorProto, helper
from tests.integration.images.conftest import QUICK

from modelyard.errors import DigestMismatchError, InvalidValueError, MissingBlobError, StorageFullError
from modelyard.images import InferenceConfig, ResourceConfig
from modelyard.images.errors import InvalidImageError, NoBaseError
from modelyard.images.oci.credentials import Credentials
from modelyard.images.oci.documents import Index, Manifest
from modelyard.images.oci.errors import RegistryError
from modelyard.images.oci.registry import Registry
from modelyard.sdk.image import building
from modelyard.sdk.image.cache import image_cache
from modelyard.sdk.image.image import Image
from modelyard.sdk.model.model import Model
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings

SLIM = InferenceConfig(base_image="slim")
SCRIPT = "import json\ndef run(data): return {'twice': [2 * x for x in json.loads(data)['data']]}\n"
KEY = "0123456789abcdef0123"


def _model(workspace: Workspace, folder: Path, note: str = "") -> str:
    """Register a model that adds the two numbers of each row; with a note of its own it is in no cache."""
    graph = helper.make_graph(
        [helper.make_node("ReduceSum", ["input", "axes"], ["prediction"], keepdims=1)],
        "sum",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("axes", TensorProto.INT64, [1], [1])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, doc_string=note)
    (folder / "sum.onnx").write_bytes(made.SerializeToString())
    rows = np.array([[1, 2]], dtype=np.float32)
    sample = (rows, {"prediction": rows.sum(1, keepdims=True)})
    return Model.register(workspace, model_path=folder / "sum.onnx", model_name="sum", sample=sample).id


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("MODELYARD_HOME", str(tmp_path / "home"))
    with Workspace.create("images", path=tmp_path) as opened:
        yield opened
        for service in Service.list(opened):
            service.delete()


@pytest.fixture
def image(workspace: Workspace, tmp_path: Path) -> Image:
    return Image.create(workspace, "sum", [_model(workspace, tmp_path)], inference=SLIM)


def _script(workspace: Workspace, folder: Path, code: str, **asked: Any) -> Image:
    (folder / "score.py").write_text(code)
    (folder / "requirements.txt").write_text("idna==3.7\n")
    config = InferenceConfig(
        entry_script=folder / "score.py", environment=folder / "requirements.txt", base_image="slim", **asked
    )
    return Image.create(workspace, "twice", inference=config)


def _served(engine: docker.DockerClient, name: str, folder: Path, request: Any) -> tuple[Any, dict[str, Any]]:
    """Run a container of an image as a service is run, and ask it once."""
    keys = folder / "keys.json"
    keys.write_text(json.dumps({"primary": KEY}))
    keys.chmod(0o640)
    os.chown(keys, 0, 65532)
    container = engine.containers.run(
        name, detach=True, read_only=True, tmpfs={"/tmp": ""}, cap_drop=["ALL"], mem_limit="512m",
        security_opt=["no-new-privileges"], ports={"8080/tcp": ("127.0.0.1", None)},
        volumes={str(keys): {"bind": "/run/secrets/keys.json", "mode": "ro"}},
    )  # fmt: skip
    try:
        container.reload()
        port = container.attrs["NetworkSettings"]["Ports"]["8080/tcp"][0]["HostPort"]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            for _ in range(300):
                with suppress(httpx.TransportError):
                    if client.get("/ready").is_success:
                        break
                time.sleep(0.1)
            answer = client.post("/score", json=request, headers={"authorization": f"Bearer {KEY}"})
            return answer.json(), container.attrs
    finally:
        container.remove(force=True)


def test_an_image_is_run_by_an_engine_as_it_is_by_a_process(
    image: Image, workspace: Workspace, tmp_path: Path, docker_engine: docker.DockerClient
) -> None:
    image.export(tmp_path / "image.tar")
    (loaded,) = docker_engine.images.load((tmp_path / "image.tar").read_bytes())
    answer, attributes = _served(docker_engine, loaded.id, tmp_path, {"data": [[1, 2], [3, 4]]})
    service = Service.deploy(workspace, "sum", image)

    assert answer == service.run([[1, 2], [3, 4]]) == {"prediction": [[3.0], [7.0]]}
    assert loaded.id == image.build().image_id
    config = attributes["Config"]
    assert (config["User"], config["Entrypoint"]) == ("65532:65532", ["python3", "-m", "modelyard_scoring"])
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Labels"]["modelyard.image.spec"] == image.digest
    docker_engine.images.remove(loaded.id, force=True)


BUILD = """
import os, sys
os.umask(int(sys.argv[3], 8))
from modelyard import Image, Workspace
with Workspace.open(sys.argv[1]) as workspace:
    image = Image(workspace, "sum")
    print(image.build().manifest.digest, image.export(sys.argv[2]))
"""


def test_the_same_specification_gives_the_same_bytes_wherever_it_is_built(
    image: Image, workspace: Workspace, tmp_path: Path
) -> None:
    """Other folders, caches, times, owners of files and hash seeds: what they share is the package cache of uv."""
    place = tmp_path / "elsewhere" / "x"
    place.mkdir(parents=True)
    image.export(place / "one.tar")
    with Workspace.create("other", path=place) as other:
        Image.load(other, place / "one.tar")
    for path in [place, *place.rglob("*")] if os.geteuid() == 0 else ():
        os.chown(path, 1000, 1000)
    own = {"MODELYARD_CACHE": str(place / "cache"), "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", BUILD, str(place), str(place / "again.tar"), "077"]
    done = subprocess.run(command, env={**os.environ, **own}, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == image.build().manifest.digest
    assert (place / "again.tar").read_bytes() == (place / "one.tar").read_bytes()


def test_a_change_of_code_writes_one_small_layer(workspace: Workspace, tmp_path: Path) -> None:
    first = _script(workspace, tmp_path, SCRIPT).build()
    second = _script(workspace, tmp_path, f"{SCRIPT}# changed {uuid.uuid4()}\n").build()

    assert [one.name for one in second.layers if not one.reused] == ["code"]
    assert 0 < second.written < 100_000
    assert first.manifest.digest != second.manifest.digest
    assert _script(workspace, tmp_path, SCRIPT).build().manifest == first.manifest


def test_another_machine_is_built_for_and_both_are_one_index(
    workspace: Workspace, tmp_path: Path, image_registry: str
) -> None:
    platforms = ["linux/amd64", "linux/arm64"]
    image = Image.create(workspace, "both", [_model(workspace, tmp_path)], inference=SLIM, platforms=platforms)
    image.export(tmp_path / "both", form="folder")
    pushed = image.push(f"{image_registry}/tests/both:1")

    kinds = {"linux/amd64": b"\x3e\x00", "linux/arm64": b"\xb7\x00"}  # e_machine of the ELF header
    for platform in platforms:
        built = image.build(platform)
        blob = image_cache(workspace.settings).path(built.layers[0].layer.digest.removeprefix("sha256:"))
        with tarfile.open(blob) as archive:
            libraries = [one for one in archive if one.name.endswith(".so")]
            heads = {archive.extractfile(one).read(20)[18:20] for one in libraries}  # type: ignore[union-attr]
        assert (len(libraries) > 10, heads) == (True, {kinds[platform]})
    accept = {"accept": "application/vnd.oci.image.index.v1+json"}
    found = httpx.get(f"http://{image_registry}/v2/tests/both/manifests/1", headers=accept, trust_env=False)
    assert found.headers["docker-content-digest"] == pushed
    listed = {f"{one.platform.os}/{one.platform.architecture}" for one in _read(found.content, Index).manifests}
    assert listed == set(platforms)


def _read(content: bytes, kind: Any) -> Any:
    import msgspec

    return msgspec.json.decode(content, type=kind)


def test_an_image_goes_through_a_registry_into_another_workspace(
    image: Image, workspace: Workspace, tmp_path: Path, image_registry: str
) -> None:
    image.push(f"{image_registry}/tests/sum:1")
    with Workspace.create("other", path=tmp_path / "other") as other:
        pulled = Image.pull(other, f"{image_registry}/tests/sum:1")
        assert (pulled.digest, pulled.verify()) == (image.digest, image.verify())
        service = Service.deploy(other, "sum", pulled)
        assert service.run([[1, 2]]) == {"prediction": [[3.0]]}
        service.delete()
        assert pulled.build().manifest == image.build().manifest


def test_a_bundle_is_loaded_built_and_deployed_without_a_network(
    image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image.export(tmp_path / "bundle.tar")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))  # nor is anything left of what was fetched before
    settings = Settings.read({**os.environ, "MODELYARD_OFFLINE": "1", "MODELYARD_CACHE": str(tmp_path / "cache")})
    with Workspace.create("cut-off", path=tmp_path / "cut-off", settings=settings) as other:
        loaded = Image.load(other, tmp_path / "bundle.tar")
        assert loaded.build().manifest == image.build().manifest
        loaded.export(tmp_path / "again.tar")
        service = Service.deploy(other, "sum", loaded)
        answer = service.run([[1, 2]])
        service.delete()
    assert answer == {"prediction": [[3.0]]}
    assert (tmp_path / "again.tar").read_bytes() == (tmp_path / "bundle.tar").read_bytes()


def test_the_bill_of_materials_is_attached_and_names_what_is_in_the_image(image: Image, tmp_path: Path) -> None:
    image.export(tmp_path / "layout", form="folder")
    index = _read((tmp_path / "layout/index.json").read_bytes(), Index)
    manifests = [
        _read((tmp_path / "layout/blobs/sha256" / one.sha256).read_bytes(), Manifest) for one in index.manifests
    ]
    (bill,) = [one for one in manifests if one.artifact_type == "application/vnd.cyclonedx+json"]
    content = (tmp_path / "layout/blobs/sha256" / bill.layers[0].sha256).read_bytes()
    assert bill.subject.digest == image.build().manifest.digest
    assert content == image.sbom()
    names = {one["name"] for one in json.loads(content)["components"]}
    assert {"numpy", "onnxruntime", "sum", "libc6", "modelyard-scoring"} <= names | {"modelyard-scoring"}


def test_a_damaged_model_is_not_built(workspace: Workspace, tmp_path: Path) -> None:
    image = Image.create(workspace, "damaged", [_model(workspace, tmp_path, uuid4().hex)], inference=SLIM)
    (tree,) = [workspace.backend.trees.get(model.tree) for model in image.spec.models]
    file = workspace.backend.blobs.path(tree.files["sum.onnx"].sha256)  # type: ignore[attr-defined]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    for call in (image.build, image.verify):
        with pytest.raises(DigestMismatchError):
            call()


@pytest.mark.parametrize("form", ["archive", "folder"])
def test_a_place_that_cannot_be_written_is_said(image: Image, tmp_path: Path, form: Any) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidValueError, match="cannot be written"):
        image.export(tmp_path / "file" / "image", form=form)


def test_what_is_missing_is_said(
    workspace: Workspace, image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "open_registry", lambda: Registry(Credentials(tmp_path / "no.json"), patience=QUICK))
    model = _model(workspace, tmp_path)
    without = Image.create(workspace, "none", [model], inference=InferenceConfig(base_image="none"))
    with pytest.raises(NoBaseError, match="none:1 was made without a base image"):
        without.build()
    with pytest.raises(InvalidImageError, match="made for linux/amd64"):
        image.build("linux/arm64")
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:1 is not reachable"):
        image.push("127.0.0.1:1/tests/sum:1")
    workspace.backend.blobs.path(image.spec.parts[0].lock).unlink()  # type: ignore[attr-defined]
    with pytest.raises(MissingBlobError):
        image.verify()


def test_a_base_with_another_python_is_refused(workspace: Workspace, tmp_path: Path, image: Image) -> None:
    image.export(tmp_path / "base.tar")  # an image is a base like any other
    (tmp_path / "environment.yml").write_text("dependencies: [python=3.12]")
    (tmp_path / "score.py").write_text(SCRIPT)
    config = InferenceConfig(
        entry_script=tmp_path / "score.py",
        environment=tmp_path / "environment.yml",
        base_image=str(tmp_path / "base.tar"),
    )
    with pytest.raises(InvalidImageError, match=r"Python 3\.11"):
        Image.create(workspace, "twice", inference=config)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_leaves_no_layer_behind(workspace: Workspace, image: Image, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(small)], check=True)
    try:
        settings = Settings.read({**os.environ, "MODELYARD_CACHE": str(small)})
        with Workspace.open(tmp_path, settings=settings) as again, pytest.raises(StorageFullError):
            Image(again, "sum").build()
        assert not list((small / "oci").glob("layers/*"))
        assert sum(path.stat().st_size for path in (small / "oci/incoming").glob("*")) == 0
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)
    assert image.build().size > 0


def test_resources_and_variables_reach_the_container(workspace: Workspace, tmp_path: Path) -> None:
    code = "import os\ndef run(data): return {'mode': os.environ['MODE']}\n"
    (tmp_path / "score.py").write_text(code)
    (tmp_path / "requirements.txt").write_text("idna\n")
    config = InferenceConfig(
        entry_script=tmp_path / "score.py", environment=tmp_path / "requirements.txt", base_image="slim",
        variables={"MODE": "a b\n$(id)"},
    )  # fmt: skip
    image = Image.create(workspace, "mode", inference=config, resources=ResourceConfig(workers=3))
    blobs, built = image_cache(workspace.settings), image.build()
    environment = json.loads(blobs.read(built.image_id.removeprefix("sha256:")))["config"]["Env"]
    assert {"MODE=a b\n$(id)", "MODELYARD_SCORING_WORKERS=3"} <= set(environment)
