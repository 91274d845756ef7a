"""Registries, and images to put there; slim bases, made with real packages of the machine's Debian mirror."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.images import make_image, make_index
from tests.integration.images.registry_process import RegistryProcess

from modelyard.images.debian.slim import SlimBase, make_base
from modelyard.images.oci.credentials import Credentials
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.patience import Patience
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.settings import Settings
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


@pytest.fixture(scope="session")
def base_cache() -> Path:
    """Give the folder where packages are kept; where there is no APT, what needs it is skipped."""
    if shutil.which("apt-get") is None:
        pytest.skip("the slim base is made of Debian packages, and this machine has no apt-get")
    return Settings.read().cache / "debian"


@pytest.fixture(scope="session")
def base_blobs(tmp_path_factory: pytest.TempPathFactory) -> BlobFolder:
    return BlobFolder(tmp_path_factory.mktemp("base") / "blobs")


@pytest.fixture(scope="session")
def slim(base_cache: Path, base_blobs: BlobFolder) -> Callable[[str, str], SlimBase]:
    """Give what makes the base of a Python version for an architecture."""
    return lambda python, architecture: make_base(architecture, base_blobs, cache=base_cache, python=python)
