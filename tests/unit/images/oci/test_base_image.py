"""Base images that need no registry."""

from pathlib import Path

import msgspec
import pytest

from modelyard.errors import MissingBlobError
from modelyard.images.oci.base_image import find_base
from modelyard.images.oci.contents import contents, read_kept
from modelyard.images.oci.credentials import Credentials
from modelyard.images.oci.documents import DOCKER_MANIFEST, LAYER_GZIP, Descriptor, Manifest, encode
from modelyard.images.oci.errors import InvalidDocumentError, PlatformNotFoundError, UnknownImageError
from modelyard.images.oci.layout import write_archive
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder


@pytest.fixture
def nobody(tmp_path: Path) -> Registry:
    """Give what would fail at the first request: a name that is nobody's."""
    return Registry(Credentials(tmp_path / "none"))


def test_a_base_of_an_archive_is_kept_and_found_again(
    blobs: BlobFolder, other: BlobFolder, index: Descriptor, nobody: Registry, tmp_path: Path
) -> None:
    write_archive(tmp_path / "base.tar", index, blobs)

    base = find_base(str(tmp_path / "base.tar"), other, nobody, "arm64")

    assert base.config.architecture == "arm64"
    assert len(base.layers) == len(base.diff_ids) == 1
    assert base.reference == base.manifest.digest
    assert find_base(base.reference, other, nobody, "arm64") == base


def test_a_base_that_is_kept_by_its_digest_needs_no_registry(
    blobs: BlobFolder, index: Descriptor, nobody: Registry
) -> None:
    text = f"nobody.invalid/base@{index.digest}"

    bases = [find_base(text, blobs, nobody, architecture) for architecture in ("amd64", "arm64")]

    assert [base.config.architecture for base in bases] == ["amd64", "arm64"]
    assert {base.reference for base in bases} == {text}


def test_a_base_for_other_machines_is_refused(
    blobs: BlobFolder, image: Descriptor, index: Descriptor, nobody: Registry
) -> None:
    for digest in (image.digest, index.digest):
        with pytest.raises(PlatformNotFoundError, match=r"linux/s390x.*linux/amd64"):
            find_base(digest, blobs, nobody, "s390x")


def test_a_base_that_is_not_kept_is_said(blobs: BlobFolder, image: Descriptor, nobody: Registry) -> None:
    with pytest.raises(UnknownImageError):
        find_base("sha256:" + "0" * 64, blobs, nobody, "amd64")
    blobs.path(contents(image, blobs)[1].sha256).unlink()
    with pytest.raises(MissingBlobError):
        find_base(image.digest, blobs, nobody, "amd64")


def _changed(blobs: BlobFolder, image: Descriptor, **changes: object) -> Descriptor:
    manifest = read_kept(image, blobs)
    assert isinstance(manifest, Manifest)
    data = encode(msgspec.structs.replace(manifest, **changes))
    blobs.put(data)
    return Descriptor.of(data, str(changes.get("media_type", image.media_type)))


def test_layers_of_docker_get_the_names_of_the_oci(blobs: BlobFolder, image: Descriptor, nobody: Registry) -> None:
    layers = tuple(
        msgspec.structs.replace(layer, media_type="application/vnd.docker.image.rootfs.diff.tar.gzip")
        for layer in read_kept(image, blobs).parts[1:]
    )
    dockers = _changed(blobs, image, layers=layers, media_type=DOCKER_MANIFEST)

    base = find_base(dockers.digest, blobs, nobody, "amd64")

    assert {layer.media_type for layer in base.layers} == {LAYER_GZIP}
    assert [layer.digest for layer in base.layers] == [layer.digest for layer in layers]


def test_a_base_that_does_not_add_up_is_refused(blobs: BlobFolder, image: Descriptor, nobody: Registry) -> None:
    first, second = read_kept(image, blobs).parts[1:]
    odd = msgspec.structs.replace(second, media_type="application/octet-stream")

    for layers, reason in (((first,), "1 layers are there, and 2"), ((first, odd), "a layer of the kind")):
        with pytest.raises(InvalidDocumentError, match=reason):
            find_base(_changed(blobs, image, layers=layers).digest, blobs, nobody, "amd64")
