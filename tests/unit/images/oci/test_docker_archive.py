"""The archives that ``docker save`` writes, and tools like it."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from tests.images import diff_id, layer_tar, packed

from modelyard.errors import DigestMismatchError
from modelyard.images.oci.contents import contents, read_kept
from modelyard.images.oci.documents import LAYER, LAYER_GZIP
from modelyard.images.oci.errors import InvalidArchiveError
from modelyard.images.oci.reading import read_archive
from modelyard.store.blobs import BlobFolder

TARS = [layer_tar({"base": b"base" * 300}), layer_tar({"code": b"code"})]


def _saved(
    file: Path,
    layers: list[bytes],
    *,
    diff_ids: list[str] | None = None,
    tags: list[list[str]] | None = None,
    config_name: str | None = None,
) -> Path:
    """Write what docker would for images with such layers."""
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": diff_ids or [diff_id(tar) for tar in TARS]},
        }
    ).encode()
    name = config_name or f"{hashlib.sha256(config).hexdigest()}.json"
    places = [f"{number}/layer.tar" for number, _ in enumerate(layers)]
    images = [{"Config": name, "RepoTags": one, "Layers": places} for one in tags or [["digits:3"]]]
    members = {name: config, **dict(zip(places, layers, strict=True)), "manifest.json": json.dumps(images).encode()}
    with tarfile.open(file, "w") as tar:
        for place, data in members.items():
            info = tarfile.TarInfo(place)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file


def test_a_saved_image_is_read_with_its_layers_as_they_are(other: BlobFolder, tmp_path: Path) -> None:
    image = read_archive(_saved(tmp_path / "it", TARS), other)

    parts = read_kept(image, other).parts
    assert [part.digest for part in parts[1:]] == [diff_id(tar) for tar in TARS]
    assert {part.media_type for part in parts[1:]} == {LAYER}
    assert [other.read(part.sha256) for part in parts[1:]] == TARS
    assert not other.missing(one.sha256 for one in contents(image, other))


def test_compressed_layers_are_taken_when_they_hold_what_is_promised(other: BlobFolder, tmp_path: Path) -> None:
    image = read_archive(_saved(tmp_path / "it", [packed(tar) for tar in TARS]), other)

    assert {part.media_type for part in read_kept(image, other).parts[1:]} == {LAYER_GZIP}


@pytest.mark.parametrize(
    "layers", [[TARS[0], TARS[0]], [TARS[0], packed(TARS[0])], [TARS[0], b""]], ids=["tar", "gzip", "empty"]
)
def test_a_layer_that_is_not_what_is_promised_is_refused(
    other: BlobFolder, tmp_path: Path, layers: list[bytes]
) -> None:
    with pytest.raises(DigestMismatchError):
        read_archive(_saved(tmp_path / "it", layers), other)


def test_a_damaged_compressed_layer_is_refused(other: BlobFolder, tmp_path: Path) -> None:
    with pytest.raises(InvalidArchiveError, match="damaged"):
        read_archive(_saved(tmp_path / "it", [packed(TARS[0])[:-9], TARS[1]]), other)


def test_a_configuration_that_is_not_its_name_is_refused(other: BlobFolder, tmp_path: Path) -> None:
    with pytest.raises(DigestMismatchError):
        read_archive(_saved(tmp_path / "it", TARS, config_name="0" * 64 + ".json"), other)


def test_layers_must_be_as_many_as_promised(other: BlobFolder, tmp_path: Path) -> None:
    with pytest.raises(InvalidArchiveError, match="1 layers are there, and 2 are promised"):
        read_archive(_saved(tmp_path / "it", TARS[:1]), other)


def test_of_several_saved_images_one_is_named(other: BlobFolder, tmp_path: Path) -> None:
    saved = _saved(tmp_path / "it", TARS, tags=[["digits:3", "digits:latest"], ["letters:1"]])

    assert read_archive(saved, other, "digits:latest") == read_archive(saved, other, "letters:1")
    with pytest.raises(InvalidArchiveError, match="digits:3, digits:latest, letters:1; name one"):
        read_archive(saved, other)


@pytest.mark.parametrize("place", ["../../etc/passwd", "/etc/passwd", "none", ""])
def test_a_part_that_is_elsewhere_is_not_read(other: BlobFolder, tmp_path: Path, place: str) -> None:
    images = json.dumps([{"Config": place, "Layers": []}]).encode()
    with tarfile.open(tmp_path / "it", "w") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.size = len(images)
        tar.addfile(info, io.BytesIO(images))

    with pytest.raises(InvalidArchiveError, match="it has no"):
        read_archive(tmp_path / "it", other)
