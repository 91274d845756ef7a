"""Layers: the same entries give the same bytes, and nothing gets into one that could harm who unpacks it."""

import gzip
import hashlib
import io
import os
import sys
import tarfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from modelyard.errors import (
    DigestMismatchError,
    InvalidPathError,
    InvalidValueError,
    MissingBlobError,
    MissingExtraError,
)
from modelyard.images.layers import (
    Compression,
    Layer,
    LayerEntry,
    arrange,
    folder_entries,
    tree_entries,
    write_layer,
)
from modelyard.store.blobs import BlobFolder
from modelyard.store.trees import keep_folder

part = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=12).filter(
    lambda text: text not in {".", ".."} and not text.startswith(".wh.") and len(text.encode()) < 200
)
# Folders have other names than files, so that no file stands where a folder has to be.
folder = part.map(lambda text: f"{text}+")
file = st.builds(lambda above, name: "/".join([*above, f"{name}-"]), st.lists(folder, max_size=3), part)
listing = st.dictionaries(file, st.tuples(st.binary(max_size=60), st.booleans()), max_size=8)

SMALL = (
    LayerEntry(path="tmp", kind="folder", mode=0o1777),
    LayerEntry(path="opt/é/run", source=b"#!/usr/bin/python3\n", mode=0o755),
    LayerEntry(path="opt/é/" + "long" * 40, source=b"x" * 600),
    LayerEntry(path="opt/link", kind="link", target="é/run"),
)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


def _archive(layer: Layer, blobs: BlobFolder) -> bytes:
    data = blobs.read(layer.digest.removeprefix("sha256:"))
    if layer.media_type.endswith("zstd"):
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    return gzip.decompress(data)


def _members(layer: Layer, blobs: BlobFolder) -> list[tarfile.TarInfo]:
    return tarfile.open(fileobj=io.BytesIO(_archive(layer, blobs))).getmembers()


def test_a_layer_has_its_entries_in_order_with_the_folders_above_them(blobs: BlobFolder) -> None:
    members = _members(write_layer(SMALL, blobs), blobs)

    assert [(one.name, oct(one.mode)) for one in members] == [
        ("opt", "0o755"),
        ("opt/link", "0o777"),
        ("opt/é", "0o755"),
        ("opt/é/" + "long" * 40, "0o644"),
        ("opt/é/run", "0o755"),
        ("tmp", "0o1777"),
    ]
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members} == {(0, 0, "", "", 0)}


def test_the_diff_id_is_the_same_with_every_version_of_python(blobs: BlobFolder) -> None:
    assert (
        write_layer(SMALL, blobs).diff_id == "sha256:d99535da73644307a0fe52b3d8fca38b4b14630eacebc2c6e240645e449a846a"
    )


def test_the_digests_are_those_of_the_blob_and_of_what_is_in_it(blobs: BlobFolder) -> None:
    layer = write_layer(SMALL, blobs)
    data = blobs.read(layer.digest.removeprefix("sha256:"))

    assert layer.size == len(data)
    assert layer.media_type == "application/vnd.oci.image.layer.v1.tar+gzip"
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(data)).hexdigest()}"
    assert data[3:10] == bytes([0, 0, 0, 0, 0, 0, 255]), "neither a name nor a time, and no system"


@given(listing, st.randoms(use_true_random=False))
def test_order_does_not_count(tmp_path_factory: pytest.TempPathFactory, files: dict, chance) -> None:
    blobs = BlobFolder(tmp_path_factory.mktemp("blobs"))
    entries = [LayerEntry(path=path, source=data) for path, (data, _) in files.items()]
    shuffled = list(entries)
    chance.shuffle(shuffled)

    assert write_layer(shuffled, blobs) == write_layer(entries, blobs)


@given(listing, st.sampled_from([0o000, 0o022, 0o077]))
def test_where_when_and_by_whom_a_folder_was_written_does_not_count(
    tmp_path_factory: pytest.TempPathFactory, files: dict, umask: int
) -> None:
    base = tmp_path_factory.mktemp("layer")
    blobs = BlobFolder(base / "blobs")
    _write(base / "one", files, 0o022)
    _write(base / "other" / "place", dict(reversed(files.items())), umask)
    for path in (base / "other" / "place").rglob("*"):
        os.utime(path, (1, 1))

    one, other = (write_layer(folder_entries(base / at, "opt"), blobs) for at in ("one", "other/place"))

    assert one == other
    assert {member.name: member.mode for member in _members(one, blobs) if member.isreg()} == {
        f"opt/{path}": 0o755 if executable else 0o644 for path, (_, executable) in files.items()
    }


def _write(folder: Path, files: dict, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder.mkdir(parents=True)
        for path, (data, executable) in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
            (folder / path).chmod((0o777 if executable else 0o666) & ~umask)
    finally:
        os.umask(before)


@given(listing)
def test_a_tree_gives_the_layer_of_the_folder_that_it_was_kept_from(
    tmp_path_factory: pytest.TempPathFactory, files: dict
) -> None:
    base = tmp_path_factory.mktemp("tree")
    blobs = BlobFolder(base / "blobs")
    _write(base / "in", files, 0o022)
    (base / "in" / "empty").mkdir()
    (base / "in" / "to").symlink_to("empty")

    tree = keep_folder(base / "in", blobs)

    assert write_layer(tree_entries(tree, blobs, "m"), blobs) == write_layer(folder_entries(base / "in", "m"), blobs)


@pytest.mark.parametrize("compression", [Compression(level=1), Compression(level=9), Compression(kind="zstd", level=3)])
def test_compression_leaves_the_diff_id(blobs: BlobFolder, compression: Compression) -> None:
    plain, layer = write_layer(SMALL, blobs), write_layer(SMALL, blobs, compression)

    assert layer.diff_id == plain.diff_id
    assert layer.media_type == compression.media_type
    assert _archive(layer, blobs) == _archive(plain, blobs)
    assert write_layer(SMALL, blobs, compression) == layer


@pytest.mark.parametrize(("kind", "level"), [("gzip", 0), ("gzip", 10), ("zstd", 0), ("zstd", 20)])
def test_a_level_that_does_not_exist_is_refused(kind: str, level: int) -> None:
    with pytest.raises(InvalidValueError, match="level"):
        Compression(kind=kind, level=level)


def test_zstd_without_its_package_says_what_to_install(blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)

    with pytest.raises(MissingExtraError, match="zstandard"):
        write_layer(SMALL, blobs, Compression(kind="zstd"))


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../up", "a/../../up", "a//b", "./a", "a/", "a\x00b", "a\nb", "a\x7f", "\ud800", "a/.wh.b",
     ".wh..wh..opq", "x" * 256],
    ids=ascii,
)  # fmt: skip
def test_a_hostile_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidPathError):
        arrange([LayerEntry(path=path)])


@pytest.mark.parametrize("target", ["", "/etc/passwd", "../../up", "a/../../../up", "a\x00", "a\nb"], ids=ascii)
def test_a_link_that_leaves_is_refused(target: str) -> None:
    with pytest.raises(InvalidPathError):
        arrange([LayerEntry(path="opt/link", kind="link", target=target)])


@pytest.mark.parametrize("kind", ["file", "link"])
def test_nothing_lies_below_a_file_or_a_link(kind: str) -> None:
    above = LayerEntry(path="a", kind=kind, target="b")

    with pytest.raises(InvalidPathError, match="not a folder"):
        arrange([LayerEntry(path="a/b"), above])


def test_a_path_stands_once() -> None:
    with pytest.raises(InvalidPathError, match="twice"):
        arrange([LayerEntry(path="a"), LayerEntry(path="a", kind="folder")])


@pytest.mark.parametrize("mode", [0o4755, 0o2755])
def test_no_file_sets_a_user_or_group(mode: int) -> None:
    with pytest.raises(InvalidValueError, match=f"{mode:o}"):
        arrange([LayerEntry(path="a", mode=mode)])


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(InvalidPathError, match="neither"):
        list(folder_entries(tmp_path, "opt"))


def test_a_damaged_blob_is_found_and_leaves_no_layer(tmp_path: Path, blobs: BlobFolder) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "model.onnx").write_bytes(b"model")
    tree = keep_folder(tmp_path / "in", blobs)
    blobs.path(tree.entries[0].sha256).write_bytes(b"mobel")
    before = set(blobs.digests())

    with pytest.raises(DigestMismatchError, match=r"model\.onnx"):
        write_layer(tree_entries(tree, blobs, "model"), blobs)

    assert set(blobs.digests()) == before
    assert list(blobs.incoming.iterdir()) == []


def test_a_file_that_becomes_shorter_is_named(
    tmp_path: Path, blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"short")
    size = os.stat_result((0o100644, 0, 0, 1, 0, 0, 6, 0, 0, 0))
    monkeypatch.setattr("modelyard.images.layers.os.fstat", lambda _: size)

    with pytest.raises(InvalidPathError, match="shorter"):
        write_layer([LayerEntry(path="file", source=tmp_path / "file")], blobs)


def test_a_file_that_is_gone_is_named(tmp_path: Path, blobs: BlobFolder) -> None:
    gone = tmp_path / "gone"

    with pytest.raises(MissingBlobError, match="a" * 64):
        write_layer([LayerEntry(path="file", source=gone, sha256="a" * 64)], blobs)
    with pytest.raises(InvalidPathError, match="gone"):
        write_layer([LayerEntry(path="file", source=gone)], blobs)
