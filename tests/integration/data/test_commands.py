"""``modelyard datastore``, as one types it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from modelyard import Workspace
from modelyard.cli.main import modelyard

Command = Callable[..., Result]


@pytest.fixture
def command(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("MODELYARD_WORKSPACE", workspace.location)
    monkeypatch.chdir(tmp_path)
    for path in ("data/20news.pkl", "data/deep/x", "shared/y"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    return lambda *words: CliRunner().invoke(modelyard, ["datastore", *words], catch_exceptions=False)


def paths(command: Command, *words: str) -> list[str]:
    return [one["path"] for one in json.loads(command("ls", "--json", *words).output)]


def test_files_go_to_the_default_datastore_and_back(command: Command) -> None:
    assert "to workspaceblobstore/news" in command("upload", "data", "shared/y", "--to", "news").output
    assert paths(command) == ["news/20news.pkl", "news/deep/x", "news/y"]
    assert "news/deep/x" in command("ls", "news/deep").output
    assert "Fetched 1 files" in command("download", "back", "--prefix", "news/deep").output
    assert Path("back/news/deep/x").read_text() == "data/deep/x"
    assert command("rm", "news", "--yes").output == "Deleted 3 files of workspaceblobstore\n"
    assert "There are no files" in command("ls").output


def test_a_folder_is_registered_shown_and_forgotten(command: Command) -> None:
    assert command("register", "folder", "training", "shared").output == "Registered training\n"
    assert command("default", "training").output == "Made training the default datastore\n"
    assert os.path.realpath("shared") in command("show", "training").output
    assert json.loads(command("show", "training", "--json").output)["kind"]["type"] == "folder"
    assert paths(command) == ["y"]
    assert [one["is_default"] for one in json.loads(command("list", "--json").output)] == [True, False, False]
    command("default", "workspaceblobstore")
    assert "training" in command("list").output
    assert "Unregistered training" in command("unregister", "training").output
    assert "training" not in command("list").output


def test_object_stores_are_registered_by_their_kinds(command: Command) -> None:
    command("register", "azure-blob", "images", "container", "account", "--account-key", "env:KEY")
    command("register", "s3", "logs", "bucket", "--endpoint", "http://127.0.0.1:9", "--prefix", "a")
    command("register", "gcs", "more", "bucket", "--description", "ours")
    assert "env:KEY" in command("show", "images").output
    kinds = {one["name"]: one["kind"]["type"] for one in json.loads(command("list", "--json").output)}
    assert (kinds["images"], kinds["logs"], kinds["more"]) == ("azure-blob", "s3", "gcs")


def test_a_dry_run_changes_nothing(command: Command) -> None:
    command("upload", "data")
    for words in (
        ["upload", "shared/y"],
        ["download", "back"],
        ["rm", "deep"],
        ["register", "folder", "training", "shared"],
        ["default", "workspacefilestore"],
        ["unregister", "workspacefilestore"],
    ):
        assert command(*words, "--dry-run").output.startswith("Would ")
    assert paths(command) == ["20news.pkl", "deep/x"]
    assert len(json.loads(command("list", "--json").output)) == 2
    assert not Path("back").exists()
