import os
from pathlib import Path

import pytest

from modelyard.errors import InvalidPathError, InvalidValueError
from modelyard.store.blobs import BlobFolder
from modelyard.tracking.errors import SnapshotTooLargeError
from modelyard.tracking.snapshot import restore, take_snapshot


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "pack").mkdir(parents=True)
    (folder / "train.py").write_text("print(1)\n")
    (folder / "pack" / "__init__.py").write_text("")
    (folder / "data.bin").write_bytes(bytes(1000))
    (folder / ".amlignore").write_text("data.bin\n")
    return folder


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


def test_a_snapshot_holds_the_files_and_the_ignore_file(source: Path, blobs: BlobFolder) -> None:
    assert set(take_snapshot(source, blobs).files) == {".amlignore", "pack/__init__.py", "train.py"}


def test_a_restored_snapshot_is_what_was_taken(source: Path, blobs: BlobFolder, tmp_path: Path) -> None:
    (source / "run.sh").write_text("#!/bin/sh\n")
    (source / "run.sh").chmod(0o755)
    (source / "link").symlink_to("pack/__init__.py")
    tree = take_snapshot(source, blobs)

    restore(tree, blobs, tmp_path / "again")

    assert take_snapshot(tmp_path / "again", blobs) == tree
    assert not (tmp_path / "again" / "data.bin").exists()
    assert os.access(tmp_path / "again" / "run.sh", os.X_OK)


def test_a_snapshot_is_not_restored_over_files(source: Path, blobs: BlobFolder) -> None:
    with pytest.raises(InvalidValueError, match="empty folder"):
        restore(take_snapshot(source, blobs), blobs, source)


def test_too_large_a_folder_names_the_largest_files_and_keeps_nothing(source: Path, blobs: BlobFolder) -> None:
    (source / "large.bin").write_bytes(bytes(5000))
    (source / "small.bin").write_bytes(bytes(50))

    with pytest.raises(SnapshotTooLargeError, match=r"(?s)large\.bin.*train\.py.*\.modelyardignore") as error:
        take_snapshot(source, blobs, limit=4000)

    assert error.value.largest[0] == ("large.bin", 5000)
    assert not blobs.root.exists()


def test_what_is_ignored_does_not_count_for_the_limit(source: Path, blobs: BlobFolder) -> None:
    assert take_snapshot(source, blobs, limit=100).size < 100


def test_a_link_out_of_the_folder_is_refused(source: Path, blobs: BlobFolder) -> None:
    (source / "link").symlink_to("/etc/hostname")

    with pytest.raises(InvalidPathError, match="outside the folder"):
        take_snapshot(source, blobs)


@pytest.mark.parametrize("name", ["nothing", "source/train.py"])
def test_what_is_no_folder_is_refused(source: Path, blobs: BlobFolder, name: str) -> None:
    with pytest.raises(InvalidValueError, match="not a folder"):
        take_snapshot(source.parent / name, blobs)


def test_progress_is_told_file_by_file(source: Path, blobs: BlobFolder) -> None:
    seen: dict[str, int] = {}

    take_snapshot(source, blobs, seen=seen.__setitem__)

    assert seen == {".amlignore": 9, "pack/__init__.py": 0, "train.py": 9}


class _Counting(BlobFolder):
    puts = 0

    def put(self, source: Path | bytes) -> str:
        self.puts += 1
        return super().put(source)


def test_what_is_kept_already_is_not_written_again(source: Path, tmp_path: Path) -> None:
    (source / "large.npy").write_bytes(bytes(2 << 20))
    for number in range(40):
        (source / f"part{number}").write_bytes(bytes([number]) * 500_000)  # more than is held in memory at a time
    blobs = _Counting(tmp_path / "blobs")

    tree = take_snapshot(source, blobs)
    first = blobs.puts
    again = take_snapshot(source, blobs)

    assert again == tree
    assert blobs.missing(entry.sha256 for entry in tree.files.values()) == set()
    assert first == len({entry.sha256 for entry in tree.files.values()})
    assert blobs.puts - first == 1  # only the large one, which is not read twice
