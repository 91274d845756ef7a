"""The command's edge: what it prints where, and its status."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from modelyard.cli.main import main, modelyard


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODELYARD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MODELYARD_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _status(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["modelyard", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def test_an_expected_failure_is_one_line_on_stderr_and_status_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _status(["workspace", "show"], monkeypatch) == 1

    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("modelyard: There is no workspace")
    assert "modelyard workspace create" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["workspace", "create"],
        ["workspace", "gc", "--older-than", "x"],
        ["service", "score", "digits", "missing.json"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _status(arguments, monkeypatch) == 2


def test_a_bug_keeps_its_traceback(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelyard.cli.workspace.Workspace.list", lambda: 1 / 0)
    monkeypatch.setattr(sys, "argv", ["modelyard", "workspace", "list"])

    with pytest.raises(ZeroDivisionError):
        main()


def _commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if isinstance(command, click.Group):
            yield from _commands(command, *path, name)
        else:
            yield (*path, name)


def test_every_command_says_how_it_is_used_with_an_example() -> None:
    runner = CliRunner()
    for path in _commands(modelyard):
        shown = runner.invoke(modelyard, [*path, "--help"])
        assert shown.exit_code == 0, (path, shown.output)
        assert "Example" in shown.output, path


def test_the_shell_completes_nouns_and_verbs() -> None:
    """Completion is asked for as bash asks: by variables, of the installed command."""
    program = Path(sys.executable).with_name("modelyard")

    def complete(words: str, position: int) -> str:
        asked = {"_MODELYARD_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        return subprocess.run(
            [program], env={**os.environ, **asked}, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    assert "plain,workspace" in complete("modelyard work", 1)
    assert "plain,create" in complete("modelyard workspace cr", 2)


def test_a_workspace_is_made_shown_and_deleted(folder: Path) -> None:
    runner = CliRunner()
    made = runner.invoke(modelyard, ["workspace", "create", "docs-ws", "--resource-group", "docs-aml", "--json"])
    shown = runner.invoke(modelyard, ["workspace", "show", "--json"])
    listed = runner.invoke(modelyard, ["workspace", "list", "--json"])
    spared = runner.invoke(modelyard, ["workspace", "delete", ".", "--dry-run"])

    assert json.loads(made.output)["labels"] == {"resource_group": "docs-aml"}
    assert json.loads(shown.output)["name"] == "docs-ws"
    assert json.loads(listed.output) == [{"name": "docs-ws", "folder": str(folder / ".modelyard")}]
    assert spared.output.startswith("Would delete")
    assert (folder / ".modelyard").is_dir()
    assert runner.invoke(modelyard, ["workspace", "delete", ".", "--yes"]).exit_code == 0
    assert not (folder / ".modelyard").exists()
    assert json.loads(runner.invoke(modelyard, ["workspace", "list", "--json"]).output) == []


def test_without_a_yes_nothing_is_deleted(folder: Path) -> None:
    runner = CliRunner()
    runner.invoke(modelyard, ["workspace", "create", "docs-ws"])

    assert "Deleted" not in runner.invoke(modelyard, ["workspace", "delete", "."], input="n\n").output
    assert (folder / ".modelyard").is_dir()
