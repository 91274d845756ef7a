"""``modelyard dataset``, as one types it."""

import json
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
    for path, text in {"data/a.csv": "id,who\n1,ann\n2,bob\n", "odd.txt": "1\tü\n"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="latin-1" if path == "odd.txt" else "utf-8")
    return lambda *words: CliRunner().invoke(modelyard, ["dataset", *words], catch_exceptions=False)


def read(command: Command, *words: str):
    return json.loads(command(*words, "--json").output)


def test_versions_are_registered_shown_compared_and_fetched(command: Command) -> None:
    first = command("register", "churn", "data", "--tag", "area=sales", "--description", "who leaves").output
    Path("data/a.csv").write_text("id,who\n1,ann\n")
    second = read(command, "register", "churn", "data")

    assert first.startswith("churn:1 has 1 files, digest ")
    assert (second["version"], second["rows"], second["tags"]) == (2, 1, {"area": "sales"})
    assert [one["version"] for one in read(command, "list", "churn")] == [2, 1]
    assert [one["version"] for one in read(command, "list")] == [2]
    assert "churn:2" in command("list").output
    assert "2 rows, 2 columns, delimited" in command("show", "churn:1").output
    assert [one["path"] for one in read(command, "show", "churn")["files"]] == ["a.csv"]
    assert "2 rows" in command("profile", "churn:1").output
    assert read(command, "profile", "churn:1")["columns"][0]["mean"] == 1.5
    assert "2 → 1" in command("diff", "churn:1", "churn:2").output
    assert read(command, "diff", "churn:1", "churn:2")["changed"] == ["a.csv"]
    assert "are the same" in command("diff", "churn", "churn:2").output
    assert "bob" in command("head", "churn:1").output
    assert read(command, "head", "churn:1", "-n", "1") == [{"id": 1, "who": "ann"}]
    assert command("download", "churn:1", "back").output == "Fetched 1 files of churn:1 into back\n"
    assert Path("back/a.csv").read_text() == "id,who\n1,ann\n2,bob\n"
    assert command("unregister", "churn:1").output == "Unregistered churn:1\n"


def test_it_is_said_how_files_are_written(command: Command, workspace: Workspace) -> None:
    workspace.get_default_datastore().upload("data", "churn")
    words = ("--format", "csv", "--delimiter", "\\t", "--no-header", "--encoding", "latin-1")

    assert read(command, "register", "odd", "odd.txt", *words)["columns"] == 2
    assert read(command, "head", "odd") == [{"column1": 1, "column2": "ü"}]
    assert read(command, "register", "stored", "churn/*.csv", "-d", "workspaceblobstore")["rows"] == 2
    assert read(command, "register", "plain", "data", "--format", "files")["rows"] is None
    for kind in ("parquet", "json-lines"):
        result = CliRunner().invoke(modelyard, ["dataset", "register", "wrong", "data", "--format", kind])
        assert "'a.csv' cannot be read as a table" in str(result.exception)


def test_a_dry_run_changes_nothing(command: Command) -> None:
    command("register", "churn", "data")
    for words in (["register", "new", "data"], ["download", "churn", "back"], ["unregister", "churn"]):
        assert command(*words, "--dry-run").output.startswith("Would ")
    assert [one["name"] for one in read(command, "list")] == ["churn"]
    assert not Path("back").exists()
