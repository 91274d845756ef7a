"""Workspaces in folders: made, found again, listed, deleted."""

from pathlib import Path
from typing import Any

import pytest

from modelyard.errors import AlreadyExistsError, InvalidNameError, InvalidValueError, WorkspaceNotFoundError
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", cache=tmp_path / "cache")


def test_labels_are_kept_through_files_and_folders(tmp_path: Path, settings: Settings) -> None:
    labels: dict[str, Any] = {"subscription_id": "s", "resource_group": "g", "location": "westeurope"}
    with Workspace.create("yard", path=tmp_path / "a", settings=settings, **labels) as made:
        made.write_config(tmp_path / "b")
    below = tmp_path / "b" / "c"
    below.mkdir()
    for found in (
        Workspace.from_config(below, settings=settings),
        Workspace.from_config(tmp_path / "b" / "config.json", settings=settings),
        Workspace.get("yard", settings=settings, **labels),
        Workspace.open(tmp_path / "a", settings=settings),
    ):
        with found:
            assert (found.name, found.labels, found.info.id) == ("yard", labels, made.info.id)


def test_create_finds_its_own_only_if_told(tmp_path: Path, settings: Settings) -> None:
    with Workspace.create("yard", path=tmp_path, settings=settings) as made:
        with pytest.raises(AlreadyExistsError, match="exist_ok"):
            Workspace.create("yard", path=tmp_path, settings=settings)
        with pytest.raises(InvalidValueError, match="is the workspace 'yard' already"):
            Workspace.create("other", path=tmp_path, exist_ok=True, settings=settings)
        with Workspace.create("yard", path=tmp_path, exist_ok=True, settings=settings) as again:
            assert again.info == made.info


def test_a_bad_name_makes_nothing(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(InvalidNameError):
        Workspace.create("../up", path=tmp_path / "a", settings=settings)
    assert list(tmp_path.iterdir()) == []


def test_exist_ok_keeps_the_labels_in_the_configuration_file(tmp_path: Path, settings: Settings) -> None:
    Workspace.create("yard", path=tmp_path, settings=settings, resource_group="g").close()
    file = tmp_path / ".modelyard" / "config.json"
    before = file.read_bytes()
    Workspace.create("yard", path=tmp_path, exist_ok=True, settings=settings).close()
    assert file.read_bytes() == before


def test_a_deleted_workspace_is_gone_from_the_list(tmp_path: Path, settings: Settings) -> None:
    made = Workspace.create("yard", path=tmp_path, settings=settings)
    assert Workspace.list(settings=settings) == {"yard": [made.location]}
    made.delete()
    assert Workspace.list(settings=settings) == {}
    assert not Path(made.location).exists()
    with pytest.raises(WorkspaceNotFoundError, match="workspace create"):
        Workspace.get("yard", settings=settings)
