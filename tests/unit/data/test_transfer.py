import datetime as dt
from pathlib import Path

import pytest

from modelyard.data.access import StoredFile, unchanged
from modelyard.data.folder import FolderAccess
from modelyard.data.transfer import download, files_named, files_of
from modelyard.data.workspace_files import WorkspaceAccess
from modelyard.errors import FileChangedError, InvalidPathError, InvalidValueError


def quiet(*_: object) -> None:
    """Say nothing."""


def test_links_count_as_the_files_they_lead_to_unless_they_leave(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "empty").mkdir(parents=True)
    (folder / "real").write_text("12")
    (folder / "link").symlink_to("real")
    assert [(one.path, one.size) for one in files_of(folder, "to")] == [("to/link", 2), ("to/real", 2)]

    (folder / "loop").symlink_to(".")
    with pytest.raises(InvalidPathError, match=r"link to '\.', which is no file"):
        files_of(folder, "")
    (folder / "loop").unlink()
    (folder / "out").symlink_to("/etc/passwd")
    with pytest.raises(InvalidPathError, match="'/etc/passwd', which is no file in the folder"):
        files_of(folder, "")


def test_only_files_that_are_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("1")
    for wrong in (tmp_path, tmp_path / "none"):
        with pytest.raises(InvalidValueError, match="not a file that is there"):
            files_named([wrong], None, "")
    with pytest.raises(InvalidValueError, match="not below relative_root"):
        files_named([tmp_path / "f"], tmp_path / "other", "")
    with pytest.raises(InvalidValueError, match="not a folder that is there"):
        files_of(tmp_path / "f", "")


@pytest.mark.parametrize("change", [lambda f: f.write_text("other"), lambda f: f.unlink(), lambda f: f.touch()])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, change) -> None:
    file = tmp_path / "f"
    file.write_text("1")
    with pytest.raises(FileChangedError, match="Upload it again"), unchanged(file):
        change(file)


class Growing:
    """Blobs that are kept of files which grow meanwhile."""

    def put(self, file: Path) -> str:
        with file.open("a") as opened:
            opened.write("more")
        return "0" * 64


def test_an_upload_ends_at_a_file_that_grows(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(1 << 20))
    access = WorkspaceAccess("data", None, Growing())
    with pytest.raises(FileChangedError, match="/f'"):
        list(access.write(files_named([tmp_path / "f"], None, ""), replace=False))


@pytest.mark.parametrize("path", ["../x", "/etc/x", "out/x"])
def test_a_store_that_names_paths_outside_writes_nothing_there(tmp_path: Path, path: str) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "target/out").symlink_to(tmp_path)
    stored = StoredFile(path=path, size=1, modified=dt.datetime.now(dt.UTC))
    access = FolderAccess("data", tmp_path / "root")
    with pytest.raises(InvalidPathError):
        download(access, [stored], tmp_path / "target", overwrite=True, seen=quiet)
    assert not (tmp_path / "x").exists()
