"""No room: on the registry, and here."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.images import make_image
from tests.integration.images.registry_process import RegistryProcess

from modelyard.errors import StorageFullError
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.errors import RegistryFullError
from modelyard.images.oci.layout import write_archive, write_layout
from modelyard.images.oci.reading import read_archive
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 4 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def large(blobs: BlobFolder) -> Descriptor:
    return make_image(blobs, [{"large": os.urandom(8 << 20)}])


def test_a_registry_without_room_is_told_at_once(
    registry_program: str, registry: Registry, disk: Path, tmp_path: Path, blobs: BlobFolder, large: Descriptor
) -> None:
    with RegistryProcess(tmp_path, root=disk) as full, pytest.raises(RegistryFullError, match="No space is left"):
        registry.push(large, blobs, ImageReference.parse(f"{full.name}/digits:3"))


def test_a_pull_that_does_not_fit_here_leaves_nothing(
    registry: Registry, reference: ImageReference, disk: Path, blobs: BlobFolder, large: Descriptor
) -> None:
    registry.push(large, blobs, reference)
    small = BlobFolder(disk / "blobs")

    with pytest.raises(StorageFullError):
        registry.pull(reference, small)

    assert list(small.incoming.iterdir()) == []
    assert all(small.read(sha256) for sha256 in small.digests())


def test_writing_and_reading_that_does_not_fit_leaves_nothing(
    disk: Path, tmp_path: Path, blobs: BlobFolder, large: Descriptor
) -> None:
    for write in (write_archive, write_layout):
        with pytest.raises(StorageFullError):
            write(disk / "it", large, blobs)
    assert list(disk.iterdir()) == []

    write_archive(tmp_path / "it.tar", large, blobs)
    with pytest.raises(StorageFullError):
        read_archive(tmp_path / "it.tar", BlobFolder(disk / "blobs"))
    assert list((disk / "blobs" / "incoming").iterdir()) == []
