"""``modelyard compute``, as one types it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from modelyard import Workspace
from modelyard.cli.main import modelyard
from modelyard.errors import ComputeTargetException


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    Workspace.create("tests", path=tmp_path / "home").close()
    monkeypatch.setenv("MODELYARD_WORKSPACE", str(tmp_path / "home"))
    return lambda *words: CliRunner().invoke(modelyard, ["compute", *words], catch_exceptions=False)


def test_a_pool_is_created_shown_and_deleted(command: Callable[..., Result]) -> None:
    words = ("create", "pool", "--min-nodes", "1", "--max-nodes", "4", "--idle-seconds", "60", "-t", "for=nights")
    assert command(*words, "--dry-run").output == "Would create pool: 1 nodes at least, 4 at most\n"
    assert [one["name"] for one in json.loads(command("list", "--json").output)] == ["local"]
    assert command(*words).output == "Created pool: 1 nodes at least, 4 at most\n"

    shown = json.loads(command("show", "pool", "--json").output)
    assert (shown["compute"]["tags"], shown["status"]["currentNodeCount"]) == ({"for": "nights"}, 1)
    assert "1 to 4" in command("show", "pool").output
    assert "all cores" in command("list").output
    assert command("delete", "pool", "--dry-run").output == "Would delete pool\n"
    assert command("delete", "pool").output == "Deleted pool\n"
    with pytest.raises(ComputeTargetException, match="There are: local"):
        command("show", "pool")
