import os
from pathlib import Path

import pytest

from modelyard.compute.outputs import collect
from modelyard.store.blobs import BlobFolder
from modelyard.store.tree import Tree
from modelyard.store.trees import keep_folder


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    for name in ("outputs/a", "outputs/deep/b", "logs/c", "elsewhere/d"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def _collected(folder: Path, blobs: BlobFolder, snapshot: Tree | None = None) -> dict[str, bytes]:
    found = collect(folder, snapshot or Tree(entries=()), blobs)
    return {file.path: blobs.read(file.sha256) for file in found}


def test_the_files_of_outputs_and_logs_are_kept(folder: Path, blobs: BlobFolder) -> None:
    assert _collected(folder, blobs) == {name: name.encode() for name in ("outputs/a", "outputs/deep/b", "logs/c")}


def test_what_came_with_the_snapshot_is_kept_only_if_it_was_changed(folder: Path, blobs: BlobFolder) -> None:
    snapshot = keep_folder(folder, blobs)
    (folder / "outputs" / "a").write_text("other")

    assert _collected(folder, blobs, snapshot) == {"outputs/a": b"other"}


def test_links_are_followed_within_the_folder_only(folder: Path, blobs: BlobFolder) -> None:
    (folder / "outputs" / "inside").symlink_to("../elsewhere/d")
    (folder / "outputs" / "outside").symlink_to("/etc/hostname")
    (folder / "outputs" / "nowhere").symlink_to("nothing")

    found = _collected(folder, blobs)

    assert found["outputs/inside"] == b"elsewhere/d"
    assert not {"outputs/outside", "outputs/nowhere"} & set(found)


def test_what_is_no_file_or_has_no_name_is_left(folder: Path, blobs: BlobFolder) -> None:
    os.mkfifo(folder / "outputs" / "pipe")
    (folder / "outputs" / os.fsdecode(b"\xff")).write_text("x")

    assert set(_collected(folder, blobs)) == {"outputs/a", "outputs/deep/b", "logs/c"}


def test_no_folders_are_no_fault(tmp_path: Path, blobs: BlobFolder) -> None:
    (tmp_path / "empty").mkdir()

    assert _collected(tmp_path / "empty", blobs) == {}
