"""Files that are damaged where they are kept are never handed out."""

import hashlib
from pathlib import Path

import pytest

from modelyard.errors import DigestMismatchError, MissingBlobError
from modelyard.sdk.model.model import Model

CONTENT = bytes(range(256)) * 40
OFFSETS = [*range(0, len(CONTENT), len(CONTENT) // 21), len(CONTENT) - 1]


@pytest.fixture
def model(workspace, tmp_path):
    """Register a folder with one file of a few thousand bytes."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "weights.bin").write_bytes(CONTENT)
    return Model.register(workspace, tmp_path / "net", "digits")


def kept(model, sha256: str) -> Path:
    """Say where a blob is kept."""
    return Path(model.workspace.location) / "blobs" / sha256[:2] / sha256


def assert_refused(model, tmp_path, name, expected, actual):
    """Pass if every way to the file is refused with its name and both digests, and nothing appears."""
    ways = (lambda: model.download(tmp_path / "out"), model.read, model.local_path)
    for way in ways:
        with pytest.raises(DigestMismatchError, match=name) as raised:
            way()
        assert (raised.value.expected, raised.value.actual) == (expected, actual)
        assert expected in str(raised.value)
        assert actual in str(raised.value)
    assert not (tmp_path / "out" / "net").exists()


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_flipped_byte_is_an_error_that_names_the_file_and_both_digests(model, tmp_path, offset):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    damaged = bytearray(CONTENT)
    damaged[offset] ^= 1
    kept(model, sha256).write_bytes(damaged)
    assert_refused(model, tmp_path, "weights.bin", sha256, hashlib.sha256(damaged).hexdigest())


@pytest.mark.parametrize("length", [0, 1, len(CONTENT) // 2, len(CONTENT) - 1])
def test_a_truncated_file_is_the_same_error(model, tmp_path, length):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    kept(model, sha256).write_bytes(CONTENT[:length])
    assert_refused(model, tmp_path, "weights.bin", sha256, hashlib.sha256(CONTENT[:length]).hexdigest())


def test_a_damaged_listing_is_an_error_too(model, tmp_path):
    file = kept(model, model.info.tree)
    listing = file.read_bytes()
    file.write_bytes(listing.replace(b"weights", b"weighty"))
    with pytest.raises(DigestMismatchError, match=model.info.tree):
        model.download(tmp_path / "out")
    file.unlink()
    with pytest.raises(MissingBlobError, match=model.info.tree):
        model.read()


def test_a_damaged_lock_is_an_error_too(model):
    kept(model, model.info.lock).write_bytes(b"{}")
    with pytest.raises(DigestMismatchError, match=model.info.lock):
        _ = model.lock


def test_a_damaged_copy_in_the_cache_is_made_again(model):
    copy = model.local_path()
    assert copy == model.local_path()
    (copy / "weights.bin").write_bytes(b"changed")
    assert (model.local_path() / "weights.bin").read_bytes() == CONTENT
    (copy / "weights.bin").unlink()
    assert (model.local_path() / "weights.bin").read_bytes() == CONTENT
