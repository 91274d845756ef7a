"""Where workspaces are found."""

import json
from pathlib import Path

import pytest

from modelyard import location
from modelyard.errors import InvalidValueError, WorkspaceNotFoundError
from modelyard.location import Location
from modelyard.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", cache=tmp_path / "cache")


def _yard(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "modelyard.db").touch()
    return folder


@pytest.mark.parametrize("content", [b"{}", b"[]", b"not json", b"", b"\xff", json.dumps({"name": "npm"}).encode()])
def test_the_file_of_another_tool_is_passed_over(tmp_path: Path, settings: Settings, content: bytes) -> None:
    yard = _yard(tmp_path / ".modelyard")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "config.json").write_bytes(content)
    assert location.find(inner, None, settings) == str(yard)


def test_a_folder_of_that_name_is_passed_over(tmp_path: Path, settings: Settings) -> None:
    yard = _yard(tmp_path / ".modelyard")
    (tmp_path / "a" / "config.json").mkdir(parents=True)
    assert location.find(tmp_path / "a", None, settings) == str(yard)


def test_the_nearest_counts(tmp_path: Path, settings: Settings) -> None:
    _yard(tmp_path / ".modelyard")
    near = _yard(tmp_path / "a" / ".modelyard")
    assert location.find(tmp_path / "a", None, settings) == str(near)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://yard.example"])
def test_a_url_stays_as_it_is(tmp_path: Path, settings: Settings, url: str) -> None:
    location.write(tmp_path / "config.json", Location(workspace_name="yard", location=url))
    assert location.find(tmp_path, None, settings) == url


def test_a_relative_place_is_seen_from_its_file(tmp_path: Path, settings: Settings) -> None:
    location.write(tmp_path / "a" / "other.json", Location(workspace_name="yard", location="../there"))
    (tmp_path / "a" / "b").mkdir()
    assert location.find(tmp_path / "a" / "b", "other.json", settings) == str(tmp_path / "there")


def test_a_name_alone_is_looked_up_and_refused_if_two_have_it(tmp_path: Path, settings: Settings) -> None:
    location.write(tmp_path / "config.json", Location(workspace_name="yard"))
    with pytest.raises(WorkspaceNotFoundError, match="yard"):
        location.find(tmp_path, None, settings)
    one, two = _yard(tmp_path / "one"), _yard(tmp_path / "two")
    location.remember(settings, "1", Location(workspace_name="yard", location=str(one)))
    assert location.find(tmp_path, None, settings) == str(one)
    location.remember(settings, "2", Location(workspace_name="yard", location=str(two)))
    with pytest.raises(InvalidValueError, match=f"there are several.*{one}, {two}"):
        location.find(tmp_path, None, settings)


def test_what_is_gone_or_forgotten_is_not_listed(tmp_path: Path, settings: Settings) -> None:
    one = Location(workspace_name="yard", location=str(_yard(tmp_path / "one")))
    location.remember(settings, "1", one)
    location.remember(settings, "2", Location(workspace_name="gone", location=str(tmp_path / "gone")))
    assert location.remembered(settings) == [one]
    location.forget(settings, "1")
    assert location.remembered(settings) == []
