"""Registries, and images to put there."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.images import make_image, make_index
from tests.integration.images.registry_process import RegistryProcess

from modelyard.images.oci.credentials import Credentials
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.patience import Patience
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder

QUICK = Patience(wait=0.01)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


@pytest.fixture
def other(tmp_path: Path) -> BlobFolder:
    """Give a second, empty blob store."""
    return BlobFolder(tmp_path / "other")


@pytest.fixture
def image(blobs: BlobFolder) -> Descriptor:
    return make_image(blobs, [{"base": uuid.uuid4().bytes * 200}, {"code": uuid.uuid4().bytes}])


@pytest.fixture
def index(blobs: BlobFolder, image: Descriptor) -> Descriptor:
    return make_index(blobs, [image, make_image(blobs, [{"base": uuid.uuid4().bytes * 200}], "arm64")])


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Give a client that knows no credentials."""
    with Registry(Credentials(tmp_path / "no.json"), patience=QUICK) as client:
        yield client


@pytest.fixture
def reference(image_registry: str) -> ImageReference:
    """Give a name that nobody has used, in the real registry."""
    return ImageReference.parse(f"{image_registry}/tests/{uuid.uuid4().hex}:3")


@pytest.fixture(scope="session")
def registry_program(image_registry: str) -> str:
    """Make sure that the real registry can be started."""
    found = shutil.which("docker-registry")
    assert found, "the package docker-registry comes with the service"
    return found


@pytest.fixture
def own_registry(registry_program: str, tmp_path: Path) -> Iterator[RegistryProcess]:
    """Give a real registry of this test alone."""
    with RegistryProcess(tmp_path) as process:
        yield process
