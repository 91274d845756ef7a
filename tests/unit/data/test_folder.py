from pathlib import Path

import pytest

from modelyard.data.access import LocalFile
from modelyard.data.folder import FolderAccess
from modelyard.errors import InvalidPathError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    (tmp_path / "root/out").symlink_to(tmp_path / "outside")
    return tmp_path / "root"


@pytest.fixture
def access(root: Path) -> FolderAccess:
    return FolderAccess("data", root)


def test_a_link_that_leads_out_is_not_followed(access: FolderAccess, root: Path, tmp_path: Path) -> None:
    (root / "secret").symlink_to(tmp_path / "outside/secret")
    (root / "real").write_text("1")
    (root / "inside").symlink_to("real")

    assert [one.path for one in access.list("")] == ["inside", "real"]
    assert list(access.list("out")) == list(access.list("out/secret")) == list(access.list("secret")) == []
    local = LocalFile.at(root / "real", "out/new")
    with pytest.raises(InvalidPathError, match="leads out"):
        list(access.write([local], replace=True))
    with pytest.raises(InvalidPathError, match="leads out"):
        access.delete(["out/secret"])
    assert [file.name for file in (tmp_path / "outside").iterdir()] == ["secret"]


def test_unfinished_files_are_not_listed_and_their_names_not_taken(access: FolderAccess, root: Path) -> None:
    (root / ".part-x").write_text("half")
    assert list(access.list("")) == []
    with pytest.raises(InvalidPathError, match="unfinished"):
        list(access.write([LocalFile.at(root / ".part-x", "a/.part-y")], replace=True))


def test_a_file_in_place_of_a_folder_is_said(access: FolderAccess, root: Path) -> None:
    (root / "a").write_text("1")
    (root / "b").mkdir()
    for path in ("a/b", "b"):
        with pytest.raises(InvalidPathError, match="a file stands where"):
            list(access.write([LocalFile.at(root / "a", path)], replace=True))
    assert sorted(one.name for one in root.iterdir()) == ["a", "b", "out"]


def test_a_folder_that_is_empty_goes_with_its_last_file(access: FolderAccess, root: Path) -> None:
    (root / "a/b").mkdir(parents=True)
    for path in ("a/b/one", "a/two"):
        (root / path).write_text("1")
    access.delete(["a/b/one"])
    assert [one.name for one in (root / "a").iterdir()] == ["two"]
