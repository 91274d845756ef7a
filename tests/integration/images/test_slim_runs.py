"""Real slim bases in a real engine: Python and common wheels run as an ordinary user on a root that is read only."""

import io
import json
import sys
import sysconfig
import tarfile
from collections.abc import Iterator

import pytest

# Each compiled module of the standard library, the time zones, the certificates and the accounts.
EVERYTHING = """
import ctypes, importlib, pathlib, pwd, socket, ssl, sysconfig, tempfile, zoneinfo
folder = pathlib.Path(sysconfig.get_path("stdlib"), "lib-dynload")
names = sorted(path.name.partition(".")[0] for path in folder.glob("*.so"))
for name in names:
    importlib.import_module(name)
assert len(ssl.create_default_context().get_ca_certs()) > 100
assert zoneinfo.ZoneInfo("Asia/Tokyo")
assert pwd.getpwuid(65532).pw_name == "modelyard"
assert ctypes.CDLL("libgomp.so.1") and ctypes.CDLL("libstdc++.so.6")
assert socket.gethostbyname("localhost") == "127.0.0.1"
with tempfile.TemporaryFile() as file:
    file.write(b"x")
print(len(names))
"""
WHEELS = """
import numpy, onnxruntime, pyarrow, pandas, sklearn.linear_model, lightgbm, orjson, uvloop, zstandard, grpc
print(pandas.Timestamp("2026-01-01", tz="Asia/Tokyo"), numpy.ones(3) @ numpy.ones(3))
"""
WALLED = {
    "user": "65532:65532",
    "read_only": True,
    "tmpfs": {"/tmp": ""},
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "network_mode": "none",
    "remove": True,
}


def _archive(base, blobs, tag: str) -> bytes:
    """Make the archive that ``docker load`` takes."""
    config, layer = (digest.removeprefix("sha256:") for digest in (base.config, base.layer.digest))
    manifest = [{"Config": f"{config}.json", "RepoTags": [tag], "Layers": [f"{layer}.tar.gz"]}]
    files = {
        "manifest.json": json.dumps(manifest).encode(),
        f"{config}.json": blobs.read(config),
        f"{layer}.tar.gz": blobs.read(layer),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(scope="module", params=["3.11", "3.13"])
def image(request, docker_engine, slim, base_blobs) -> Iterator[str]:
    """Load the base into the engine."""
    tag = f"modelyard-test-slim:{request.param}"
    docker_engine.images.load(_archive(slim(request.param, "amd64"), base_blobs, tag))
    yield tag
    docker_engine.images.remove(tag, force=True)


def _run(docker_engine, image: str, *command: str, **options) -> str:
    return docker_engine.containers.run(image, list(command), **WALLED, **options).decode().strip()


def test_every_module_of_the_standard_library_is_imported(docker_engine, image) -> None:
    assert int(_run(docker_engine, image, "python3", "-c", EVERYTHING)) > 25


def test_the_image_is_not_run_by_root_unless_told(docker_engine, image) -> None:
    script = "import os; print(os.getuid(), os.getcwd(), os.environ['PYTHON_VERSION'])"
    options = {name: value for name, value in WALLED.items() if name != "user"}
    said = docker_engine.containers.run(image, ["python3", "-c", script], **options).decode().split()

    assert said[:2] == ["65532", "/tmp"]
    assert said[2].startswith(image.rpartition(":")[2])


@pytest.mark.parametrize("image", [f"3.{sys.version_info.minor}"], indirect=True)
def test_common_wheels_are_imported_from_a_mounted_folder(docker_engine, image) -> None:
    wheels = {sysconfig.get_path("platlib"): {"bind": "/opt/wheels", "mode": "ro"}}
    environment = {"PYTHONPATH": "/opt/wheels", "HOME": "/tmp", "ORT_DISABLE_TELEMETRY": "1"}

    assert _run(docker_engine, image, "python3", "-c", WHEELS, volumes=wheels, environment=environment) == (
        "2026-01-01 00:00:00+09:00 3.0"
    )
