from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from modelyard.data import relay as relay_module
from modelyard.data.access import LocalFile
from modelyard.data.folder import FolderAccess
from modelyard.data.relay import relay
from modelyard.errors import DigestMismatchError, NotFoundError


@pytest.fixture
def source(tmp_path: Path) -> FolderAccess:
    (tmp_path / "source" / "a" / "b").mkdir(parents=True)
    (tmp_path / "source" / "a" / "x.csv").write_text("1\n")
    (tmp_path / "source" / "a" / "b" / "ü y").write_text("2\n")
    (tmp_path / "source" / "a" / "b" / "ü y").chmod(0o755)
    return FolderAccess("source", tmp_path / "source")


class Damaging(FolderAccess):
    """Keeps other bytes than it is given."""

    def write(self, files: Iterable[LocalFile], *, replace: bool) -> Iterator[LocalFile]:
        for file in super().write(files, replace=replace):
            Path(self._root, file.path).write_text("?")
            yield file


class Losing(FolderAccess):
    """Keeps nothing."""

    def write(self, files: Iterable[LocalFile], *, replace: bool) -> Iterator[LocalFile]:  # noqa: ARG002
        yield from files


def _destination(tmp_path: Path, kind: type[FolderAccess] = FolderAccess) -> FolderAccess:
    (tmp_path / "to").mkdir()
    return kind("destination", tmp_path / "to")


@pytest.mark.parametrize("at_once", [1, 1_000_000])
def test_a_folder_arrives_with_its_paths(
    source: FolderAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(relay_module, "_AT_ONCE", at_once)

    there = relay(source, "a", _destination(tmp_path), "c/d")

    assert sorted(one.path for one in there) == ["c/d/b/ü y", "c/d/x.csv"]
    assert (tmp_path / "to/c/d/b/ü y").read_text() == "2\n"
    assert (tmp_path / "to/c/d/b/ü y").stat().st_mode & 0o100


def test_a_file_arrives_at_the_path_that_is_named(source: FolderAccess, tmp_path: Path) -> None:
    destination = _destination(tmp_path)

    assert [one.path for one in relay(source, "a/x.csv", destination, "rows/today.csv")] == ["rows/today.csv"]
    assert [one.path for one in relay(source, "a/x.csv", destination, "")] == ["x.csv"]


def test_other_content_is_replaced(source: FolderAccess, tmp_path: Path) -> None:
    destination = _destination(tmp_path)
    (tmp_path / "to" / "x.csv").write_text("old")

    relay(source, "a/x.csv", destination, "x.csv")

    assert (tmp_path / "to" / "x.csv").read_text() == "1\n"


@pytest.mark.parametrize("kind", [Damaging, Losing])
def test_what_did_not_arrive_as_it_was_is_found(source: FolderAccess, tmp_path: Path, kind: type[FolderAccess]) -> None:
    with pytest.raises(DigestMismatchError, match=r"x\.csv"):
        relay(source, "a/x.csv", _destination(tmp_path, kind), "x.csv")


def test_nothing_at_the_path_is_an_error(source: FolderAccess, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        relay(source, "nowhere", _destination(tmp_path), "x")
