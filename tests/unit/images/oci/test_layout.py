"""Images written as folders and archives."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest
from tests.images import attach

from modelyard.errors import DigestMismatchError, MissingBlobError
from modelyard.images.oci.contents import contents
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.errors import InvalidArchiveError, PlatformNotFoundError
from modelyard.images.oci.layout import write_archive, write_layout
from modelyard.images.oci.platforms import Platform
from modelyard.images.oci.reference import ImageReference
from modelyard.store.blobs import BlobFolder

NAME = ImageReference.parse("127.0.0.1:5000/digits:3")


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_layout_holds_every_blob_and_names_the_image(blobs: BlobFolder, index: Descriptor, tmp_path: Path) -> None:
    write_layout(tmp_path / "layout", index, blobs, NAME)

    expected = {f"blobs/sha256/{one.sha256}" for one in contents(index, blobs)}
    assert _names(tmp_path / "layout") == expected | {"oci-layout", "index.json"}
    (top,) = json.loads((tmp_path / "layout" / "index.json").read_text())["manifests"]
    assert top["digest"] == index.digest
    assert top["annotations"]["org.opencontainers.image.ref.name"] == "3"
    assert top["annotations"]["io.containerd.image.name"] == str(NAME)


def test_a_layout_is_written_where_nothing_is(blobs: BlobFolder, image: Descriptor, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_layout(tmp_path / "empty", image, blobs)

    with pytest.raises(InvalidArchiveError, match="something is there"):
        write_layout(tmp_path / "empty", image, blobs)


def test_the_same_image_gives_the_same_archive(
    blobs: BlobFolder, other: BlobFolder, index: Descriptor, tmp_path: Path
) -> None:
    for one in reversed(contents(index, blobs)):
        other.put(blobs.path(one.sha256))
    write_archive(tmp_path / "a.tar", index, blobs, NAME)
    write_archive(tmp_path / "b.tar", index, other, NAME)

    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_an_archive_has_the_list_that_docker_looks_for(blobs: BlobFolder, index: Descriptor, tmp_path: Path) -> None:
    for platform in ("linux/amd64", "linux/arm64"):
        write_archive(tmp_path / "a.tar", index, blobs, NAME, platform=Platform.parse(platform))
        with tarfile.open(tmp_path / "a.tar") as tar:
            (listed,) = json.load(tar.extractfile("manifest.json"))
            config = json.load(tar.extractfile(listed["Config"]))

        assert listed["RepoTags"] == [str(NAME)]
        assert f"linux/{config['architecture']}" == platform
        assert len(listed["Layers"]) == len(config["rootfs"]["diff_ids"])


def test_an_archive_belongs_to_nobody_and_no_time(blobs: BlobFolder, image: Descriptor, tmp_path: Path) -> None:
    write_archive(tmp_path / "a.tar", image, blobs)

    with tarfile.open(tmp_path / "a.tar") as tar:
        for member in tar:
            assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", 0)
            assert member.mode == (0o755 if member.isdir() else 0o644)
            if member.name.startswith("blobs/sha256/") and member.isreg():
                data = tar.extractfile(member).read()
                assert hashlib.sha256(data).hexdigest() == member.name.rpartition("/")[2]


def test_what_is_attached_goes_along(blobs: BlobFolder, image: Descriptor, tmp_path: Path) -> None:
    bill = attach(blobs, image, b"a bill")
    write_layout(tmp_path / "layout", image, blobs, NAME, attached=[bill])

    listed = json.loads((tmp_path / "layout" / "index.json").read_text())["manifests"]
    assert [one["digest"] for one in listed] == [image.digest, bill.digest]
    assert (tmp_path / "layout" / "blobs" / "sha256" / bill.sha256).is_file()


@pytest.mark.parametrize("harm", [b"x", b"x" * 10_000, None])
def test_a_damaged_blob_is_never_written(
    blobs: BlobFolder, image: Descriptor, tmp_path: Path, harm: bytes | None
) -> None:
    path = blobs.path(contents(image, blobs)[1].sha256)
    path.unlink()
    if harm is not None:
        path.write_bytes(harm)
    (tmp_path / "a.tar").write_bytes(b"old")

    for write in (write_archive, write_layout):
        with pytest.raises((DigestMismatchError, MissingBlobError)):
            write(tmp_path / ("a.tar" if write is write_archive else "layout"), image, blobs)

    assert (tmp_path / "a.tar").read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar", "blobs"}


def test_docker_cannot_be_given_what_is_not_there(blobs: BlobFolder, index: Descriptor, tmp_path: Path) -> None:
    with pytest.raises(PlatformNotFoundError):
        write_archive(tmp_path / "a.tar", index, blobs, platform=Platform.parse("linux/s390x"))

    assert not (tmp_path / "a.tar").exists()
