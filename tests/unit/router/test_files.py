"""The router's folder."""

import errno
import os
from pathlib import Path

import pytest

from modelyard_deploy.router.document import document
from modelyard_deploy.router.errors import RouterFolderError
from modelyard_deploy.router.files import Files
from modelyard_deploy.router.state import State


def test_a_file_is_exchanged_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.swap("services/digits/keys.json", b"1")
    before = (tmp_path / "services/digits/keys.json").stat()
    files.swap("services/digits/keys.json", b"2")
    after = (tmp_path / "services/digits/keys.json").stat()

    assert before.st_ino != after.st_ino
    assert after.st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "services/digits").iterdir()] == ["keys.json"]


def test_a_file_with_the_same_content_stays(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.swap("a.json", b"1")
    before = (tmp_path / "a.json").stat().st_ino
    files.swap("a.json", b"1")

    assert (tmp_path / "a.json").stat().st_ino == before


def test_what_a_killed_writer_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".a.json").write_bytes(b"half of something longer")
    Files(tmp_path).swap("a.json", b"whole")

    assert (tmp_path / "a.json").read_bytes() == b"whole"


def test_the_resources_of_a_document_are_read(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.swap("a.json", document([{"name": "x"}]))

    assert files.resources("a.json") == [{"name": "x"}]
    assert files.resources("none.json") == []


def test_a_new_folder_has_no_services(tmp_path: Path) -> None:
    assert Files(tmp_path).state() == State()


def test_a_damaged_state_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(b"{")

    with pytest.raises(RouterFolderError, match=r"state\.json is damaged"):
        Files(tmp_path).state()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(RouterFolderError, match="cannot use the folder"), Files(tmp_path / "file/r").locked():
        pass


def test_a_full_disk_is_an_error_and_the_file_before_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(tmp_path)
    files.swap("a.json", b"before")

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RouterFolderError, match=r"No space left on device \(a\.json\)"):
        files.swap("a.json", b"after")

    assert (tmp_path / "a.json").read_bytes() == b"before"


def test_long_logs_are_put_aside(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name, size in (("long", 2**27), ("short", 10)):
        with (tmp_path / f"logs/{name}.log").open("wb") as log:
            log.truncate(size)

    assert Files(tmp_path).rotate()
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["long.log.1", "short.log"]
    assert not Files(tmp_path).rotate()
