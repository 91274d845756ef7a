"""Images read from folders and archives that anybody may have written."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.images import attach, make_image

from modelyard.errors import DigestMismatchError, ModelyardError
from modelyard.images.oci.contents import contents
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.errors import InvalidArchiveError, InvalidDocumentError, PlatformNotFoundError
from modelyard.images.oci.layout import write_archive, write_layout
from modelyard.images.oci.platforms import Platform
from modelyard.images.oci.reading import read_archive, read_image
from modelyard.images.oci.reference import ImageReference
from modelyard.store.blobs import BlobFolder

NAME = ImageReference.parse("127.0.0.1:5000/digits:3")
Write = Callable[..., None]


@pytest.fixture(params=[write_layout, write_archive], ids=["layout", "archive"])
def write(request: pytest.FixtureRequest) -> Write:
    return request.param


def test_what_was_written_is_read_byte_for_byte(
    write: Write, blobs: BlobFolder, other: BlobFolder, index: Descriptor, tmp_path: Path
) -> None:
    write(tmp_path / "it", index, blobs, NAME)

    assert read_archive(tmp_path / "it", other) == index
    assert set(other.digests()) == {one.sha256 for one in contents(index, blobs)}


def test_what_is_attached_is_read_too(
    write: Write, blobs: BlobFolder, other: BlobFolder, image: Descriptor, tmp_path: Path
) -> None:
    bill = attach(blobs, image, b"a bill")
    write(tmp_path / "it", image, blobs, NAME, attached=[bill])

    read = read_image(tmp_path / "it", other)

    assert (read.image, read.attached, read.name) == (image, (bill,), str(NAME))
    assert not other.missing(one.sha256 for one in contents(bill, blobs))


def test_one_platform_of_an_index_is_read_without_the_others(
    write: Write, blobs: BlobFolder, other: BlobFolder, index: Descriptor, tmp_path: Path
) -> None:
    write(tmp_path / "it", index, blobs)

    read = read_archive(tmp_path / "it", other, platform=Platform.parse("linux/arm64"))

    assert str(read.platform) == "linux/arm64"
    assert not other.missing(one.sha256 for one in contents(read, blobs))
    assert len(set(other.digests())) < len(contents(index, blobs))
    with pytest.raises(PlatformNotFoundError):
        read_archive(tmp_path / "it", other, platform=Platform.parse("linux/s390x"))


def test_of_several_images_one_is_named(
    blobs: BlobFolder, other: BlobFolder, image: Descriptor, tmp_path: Path
) -> None:
    second = make_image(blobs, [{"second": b"2"}])
    write_layout(tmp_path / "it", image, blobs, NAME)
    _change(tmp_path / "it" / "index.json", lambda top: top["manifests"].append(_entry(second, "4")))
    for one in contents(second, blobs):
        blobs.get(one.sha256, tmp_path / "it" / "blobs" / "sha256" / one.sha256)

    assert read_archive(tmp_path / "it", other, "4").digest == second.digest
    assert read_archive(tmp_path / "it", other, str(NAME)).digest == image.digest
    with pytest.raises(InvalidArchiveError, match="name one"):
        read_archive(tmp_path / "it", other)
    with pytest.raises(InvalidArchiveError, match="digits:3, 4"):
        read_archive(tmp_path / "it", other, "5")


def _entry(descriptor: Descriptor, tag: str) -> dict[str, object]:
    annotations = {"org.opencontainers.image.ref.name": tag}
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
        "annotations": annotations,
    }


def _change(file: Path, change: Callable[[dict], object]) -> None:
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def test_a_blob_with_other_bytes_is_refused(
    blobs: BlobFolder, other: BlobFolder, image: Descriptor, tmp_path: Path
) -> None:
    for one in contents(image, blobs):
        folder = tmp_path / one.sha256
        write_layout(folder, image, blobs)
        (folder / "blobs" / "sha256" / one.sha256).write_bytes(b"x" * one.size)

        with pytest.raises(DigestMismatchError):
            read_archive(folder, BlobFolder(tmp_path / "kept" / one.sha256))


@pytest.mark.parametrize("size", [0, 1, 1 << 40])
def test_a_blob_of_another_size_is_refused_before_it_is_read(
    blobs: BlobFolder, other: BlobFolder, image: Descriptor, tmp_path: Path, size: int
) -> None:
    write_layout(tmp_path / "it", image, blobs)
    layer = contents(image, blobs)[1]
    with (tmp_path / "it" / "blobs" / "sha256" / layer.sha256).open("wb") as file:
        file.truncate(size)

    with pytest.raises(InvalidArchiveError, match="promised"):
        read_archive(tmp_path / "it", other)

    assert other.missing([layer.sha256])


def test_a_link_out_of_a_layout_is_not_followed(
    blobs: BlobFolder, other: BlobFolder, image: Descriptor, tmp_path: Path
) -> None:
    write_layout(tmp_path / "it", image, blobs)
    layer = contents(image, blobs)[1]
    place = tmp_path / "it" / "blobs" / "sha256" / layer.sha256
    place.rename(tmp_path / "outside")
    place.symlink_to(tmp_path / "outside")

    with pytest.raises(InvalidArchiveError, match="cannot be opened"):
        read_archive(tmp_path / "it", other)


def test_a_pipe_in_a_layout_does_not_hold_us_up(
    blobs: BlobFolder, other: BlobFolder, image: Descriptor, tmp_path: Path
) -> None:
    write_layout(tmp_path / "it", image, blobs)
    place = tmp_path / "it" / "blobs" / "sha256" / contents(image, blobs)[1].sha256
    place.unlink()
    os.mkfifo(place)

    with pytest.raises(InvalidArchiveError, match="is no file"):
        read_archive(tmp_path / "it", other)


def test_names_that_lead_out_of_an_archive_lead_nowhere(other: BlobFolder, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with tarfile.open(inside / "it.tar", "w") as tar:
        for name in ("../escaped", "/tmp/escaped", "blobs/../../escaped", "index.json/../../escaped"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
        link = tarfile.TarInfo("index.json")
        link.type, link.linkname = tarfile.SYMTYPE, "../../../../etc/passwd"
        tar.addfile(link)

    with pytest.raises(InvalidArchiveError):
        read_archive(inside / "it.tar", other)

    assert {path.name for path in tmp_path.iterdir()} == {"inside"}
    assert {path.name for path in inside.iterdir()} == {"it.tar"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "<html>", '{"schemaVersion":2}', '{"schemaVersion":2,"manifests":[]}']
)
def test_a_layout_without_images_is_refused(other: BlobFolder, tmp_path: Path, text: str) -> None:
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "index.json").write_text(text)

    with pytest.raises((InvalidArchiveError, InvalidDocumentError)):
        read_archive(tmp_path / "it", other)


@pytest.mark.parametrize("data", [b"", b"x" * 5000, b"\x1f\x8b" + b"x" * 600, b"PK\x03\x04", bytes(10_240)])
def test_what_is_no_archive_is_refused(other: BlobFolder, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "it").write_bytes(data)

    with pytest.raises(InvalidArchiveError, match="No image can be read"):
        read_archive(tmp_path / "it", other)


def test_nothing_at_all_is_refused(other: BlobFolder, tmp_path: Path) -> None:
    with pytest.raises(InvalidArchiveError, match="cannot be opened"):
        read_archive(tmp_path / "none", other)


@given(place=st.integers(0, 30_000), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_archive_is_refused_or_gives_the_image(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    blobs, other = BlobFolder(folder / "blobs"), BlobFolder(folder / "other")
    image = make_image(blobs, [{"a": b"a" * 3000}], compressed=False)
    write_archive(folder / "it", image, blobs, NAME)
    data = bytearray((folder / "it").read_bytes())
    place %= len(data)
    data[place] = byte
    (folder / "it").write_bytes(data[:place] if cut else data)

    try:
        assert read_archive(folder / "it", other).digest == image.digest
    except ModelyardError as error:
        assert str(error)  # noqa: PT017 - some damage does not matter
    for sha256 in other.digests():
        assert other.read(sha256)
