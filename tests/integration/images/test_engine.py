"""What we write, taken by the real Docker engine and containerd; what Docker writes, taken by us."""

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.images import attach

from modelyard.images.oci.contents import read_kept
from modelyard.images.oci.documents import Descriptor, ImageConfig, Manifest, decode
from modelyard.images.oci.layout import write_archive
from modelyard.images.oci.platforms import Platform
from modelyard.images.oci.reading import read_archive
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder

if TYPE_CHECKING:
    import docker


@pytest.fixture
def tidy(docker_engine: "docker.DockerClient") -> Iterator[list[str]]:
    """Remove the images that a test names from the engine."""
    names: list[str] = []
    yield names
    for name in names:
        docker_engine.images.remove(name, force=True)


def _config_digest(descriptor: Descriptor, blobs: BlobFolder) -> str:
    manifest = read_kept(descriptor, blobs)
    assert isinstance(manifest, Manifest)
    return manifest.config.digest


def test_docker_pulls_what_we_push(
    docker_engine: "docker.DockerClient",
    registry: Registry,
    reference: ImageReference,
    blobs: BlobFolder,
    image: Descriptor,
    index: Descriptor,
    tidy: list[str],
) -> None:
    registry.push(index, blobs, reference, attached=[attach(blobs, image, b"a bill")])

    tidy.append(str(reference))
    pulled = docker_engine.images.pull(str(reference), platform="linux/amd64")

    assert pulled.id in {_config_digest(image, blobs), index.digest, image.digest}
    assert pulled.attrs["Config"]["Cmd"] == ["/hello"]
    assert pulled.attrs["Config"]["Labels"] == {"made": "by hand"}


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_docker_loads_what_we_write(
    docker_engine: "docker.DockerClient",
    blobs: BlobFolder,
    index: Descriptor,
    tmp_path: Path,
    tidy: list[str],
    architecture: str,
) -> None:
    name = ImageReference.parse(f"tests.example/{uuid.uuid4().hex}:3")
    platform = Platform.parse(f"linux/{architecture}")
    write_archive(tmp_path / "it.tar", index, blobs, name, platform=platform)

    tidy.append(str(name))
    with (tmp_path / "it.tar").open("rb") as file:
        (loaded,) = docker_engine.images.load(file)

    assert loaded.tags == [str(name)]
    assert loaded.attrs["Architecture"] == architecture


def test_containerd_imports_what_we_write(
    docker_engine: "docker.DockerClient", blobs: BlobFolder, index: Descriptor, tmp_path: Path
) -> None:
    socket = next((str(path) for path in _containerd_sockets()), None)
    if socket is None or shutil.which("ctr") is None:
        pytest.skip("no containerd of the Docker engine can be reached with ctr")
    name = ImageReference.parse(f"tests.example/{uuid.uuid4().hex}:3")
    write_archive(tmp_path / "it.tar", index, blobs, name)
    ctr = ["ctr", "--address", socket, "--namespace", f"tests-{uuid.uuid4().hex}", "images"]

    subprocess.run([*ctr, "import", "--all-platforms", str(tmp_path / "it.tar")], check=True, timeout=60)
    listed = subprocess.run([*ctr, "list"], check=True, timeout=60, capture_output=True, text=True).stdout
    subprocess.run([*ctr, "remove", str(name)], check=True, timeout=60)

    assert str(name) in listed
    assert index.digest in listed


def _containerd_sockets() -> Iterator[Path]:
    for place in ("/run/containerd/containerd.sock", "/var/lib/modelyard-services/exec/containerd/containerd.sock"):
        if Path(place).exists():
            yield Path(place)


def test_what_docker_saves_is_read_with_every_layer(
    docker_engine: "docker.DockerClient",
    registry: Registry,
    reference: ImageReference,
    blobs: BlobFolder,
    other: BlobFolder,
    image: Descriptor,
    tmp_path: Path,
    tidy: list[str],
) -> None:
    registry.push(image, blobs, reference)
    tidy.append(str(reference))
    docker_engine.images.pull(str(reference))
    with (tmp_path / "it.tar").open("wb") as file:
        for chunk in docker_engine.images.get(str(reference)).save(named=True):
            file.write(chunk)

    read = read_archive(tmp_path / "it.tar", other)

    manifest, ours = read_kept(read, other), read_kept(image, blobs)
    assert isinstance(manifest, Manifest)
    assert isinstance(ours, Manifest)
    configs = [
        decode(store.read(one.config.sha256), ImageConfig, "it") for store, one in ((other, manifest), (blobs, ours))
    ]
    assert configs[0].rootfs == configs[1].rootfs
    assert registry.push(read, other, ImageReference.parse(f"{reference.registry}/{reference.repository}:again"))
