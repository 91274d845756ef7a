"""What the tests of image formats share."""

from pathlib import Path

import pytest
from tests.images import make_image, make_index

from modelyard.images.oci.documents import Descriptor
from modelyard.store.blobs import BlobFolder


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


@pytest.fixture
def other(tmp_path: Path) -> BlobFolder:
    """Give a second, empty blob store."""
    return BlobFolder(tmp_path / "other")


@pytest.fixture
def image(blobs: BlobFolder) -> Descriptor:
    return make_image(blobs, [{"base": b"base" * 500}, {"code": b"code"}])


@pytest.fixture
def index(blobs: BlobFolder, image: Descriptor) -> Descriptor:
    return make_index(blobs, [image, make_image(blobs, [{"base": b"arm" * 500}], "arm64")])
