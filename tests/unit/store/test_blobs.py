"""Blobs in a folder: whole and right, or not there at all."""

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.errors import DigestMismatchError, InvalidValueError, MissingBlobError, StorageFullError
from modelyard.store import blobs as module
from modelyard.store.blobs import BlobFolder, received

DATA = b"one two three"
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_bytes_and_files_come_back(blobs: BlobFolder, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(DATA)
    assert blobs.put(source) == blobs.put(DATA) == SHA
    blobs.get(SHA, tmp_path / "new" / "copy")
    assert (tmp_path / "new" / "copy").read_bytes() == blobs.read(SHA) == DATA
    assert _files(blobs.root) == list(blobs.digests()) == [SHA]


def test_what_is_not_kept_is_said(blobs: BlobFolder, tmp_path: Path) -> None:
    blobs.put(DATA)
    assert blobs.missing([SHA, "0" * 64]) == {"0" * 64}
    with pytest.raises(MissingBlobError, match="0" * 64):
        blobs.read("0" * 64)
    with pytest.raises(MissingBlobError):
        blobs.get("0" * 64, tmp_path / "copy")


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_what_is_no_digest_is_refused(blobs: BlobFolder, digest: str) -> None:
    with pytest.raises(InvalidValueError, match="64 lower-case"):
        blobs.read(digest)
    with pytest.raises(InvalidValueError, match="64 lower-case"):
        blobs.missing([digest])


@pytest.mark.parametrize("damaged", [b"One two three", DATA[:-1], b"", DATA + b"\x00"])
def test_damage_is_found_and_nothing_is_left(blobs: BlobFolder, tmp_path: Path, damaged: bytes) -> None:
    blobs.path(blobs.put(DATA)).write_bytes(damaged)
    actual = hashlib.sha256(damaged).hexdigest()
    with pytest.raises(DigestMismatchError, match=f"{SHA} and is {actual}"):
        blobs.read(SHA)
    with pytest.raises(DigestMismatchError, match="copy"):
        blobs.get(SHA, tmp_path / "out" / "copy")
    assert _files(tmp_path / "out") == []


def test_a_full_disk_is_explained_and_nothing_is_left(blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "sync_file", full)
    with pytest.raises(StorageFullError, match="workspace gc"):
        blobs.put(DATA)
    assert _files(blobs.root) == []


def test_another_fault_of_the_disk_is_passed_on(blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_file: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module, "sync_file", broken)
    with pytest.raises(OSError, match="Input/output error"):
        blobs.put(DATA)
    assert _files(blobs.root) == []


@pytest.mark.parametrize("size", [10, module.CHUNK])
def test_what_is_cut_short_leaves_nothing(tmp_path: Path, size: int) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * size
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError, match="cut"):
        received(SHA, chunks(), tmp_path / "copy")
    assert _files(tmp_path) == []


def test_a_file_that_stood_there_outlives_a_wrong_one(tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"before")
    with pytest.raises(DigestMismatchError):
        received(SHA, iter((b"wrong",)), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"before"
    assert _files(tmp_path) == ["copy"]
