"""The commands for models and environments, as they are typed."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from modelyard.cli.main import modelyard
from modelyard.errors import InUseError, ModelyardError, NotFoundError
from modelyard.sdk.model.model import Model


@pytest.fixture
def typed(workspace):
    """Type a command, and give what it printed."""

    def call(*words: str) -> str:
        result = CliRunner().invoke(modelyard, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return call


def test_a_model_is_registered_shown_and_listed(typed, pickled):
    out = typed("model", "register", str(pickled), "-n", "digits", "--tag", "data=mnist", "--alias", "champion")
    assert out.startswith("Registered digits:1 (1 files")
    listed = json.loads(typed("model", "list", "--tag", "data=mnist", "--json"))
    assert [(one["name"], one["version"], one["aliases"]) for one in listed] == [("digits", 1, ["champion"])]
    assert "digits:1" in typed("model", "list", "digits", "--latest")
    assert "There are no such models." in typed("model", "list", "letters")
    shown = typed("model", "show", "digits@champion")
    assert "model.pkl (1 files" in shown
    assert "packages, Python" in shown
    assert json.loads(typed("model", "show", "digits", "--json"))["lineage"]["environment"]["kind"] == "recorded"


def test_aliases_are_moved_and_their_history_is_shown(typed, pickled, workspace):
    for _ in range(2):
        typed("model", "register", str(pickled), "-n", "digits")
    typed("model", "alias", "digits:1", "champion")
    typed("model", "alias", "digits:2", "champion", "--why", "better")
    assert "digits:2" in typed("model", "aliases", "digits")
    moves = json.loads(typed("model", "aliases", "digits", "--history", "--json"))
    assert [(one["before"], one["after"], one["why"]) for one in moves] == [(1, 2, "better"), (None, 1, "")]
    assert "better" in typed("model", "aliases", "digits", "--history")
    typed("model", "alias", "digits", "champion", "--remove")
    assert json.loads(typed("model", "aliases", "digits", "--json")) == []


def test_a_dry_run_changes_nothing(typed, pickled, workspace, tmp_path):
    assert "its first version" in typed("model", "register", str(pickled), "-n", "digits", "--dry-run")
    model = Model.register(workspace, pickled, "digits", tags={"a": "1"})
    for words in (
        ("register", str(pickled), "-n", "digits"),
        ("download", "digits", str(tmp_path / "out")),
        ("alias", "digits", "x"),
        ("tag", "digits", "b=2"),
        ("delete", "digits"),
    ):
        assert typed("model", *words, "--dry-run").startswith("Would")
    assert Model.list(workspace)[0].info == model.info
    assert not (tmp_path / "out").exists()


def test_a_model_is_tagged_downloaded_and_deleted(typed, pickled, workspace, tmp_path):
    Model.register(workspace, pickled, "digits", tags={"a": "1"})
    assert "{'b': '2'}" in typed("model", "tag", "digits", "b=2", "--remove", "a")
    typed("model", "download", "digits:1", str(tmp_path / "out"))
    assert (tmp_path / "out" / "model.pkl").read_bytes() == pickled.read_bytes()
    Model(workspace, "digits").set_alias("champion")
    with pytest.raises(InUseError, match="champion"):
        typed("model", "delete", "digits", "--yes")
    typed("model", "alias", "digits", "champion", "--remove")
    assert typed("model", "delete", "digits", "--yes") == "Deleted digits:1\n"
    with pytest.raises(NotFoundError, match="digits"):
        typed("model", "show", "digits")


def test_a_model_is_converted_and_its_certificate_printed(typed, pickled, workspace, rows, tmp_path):
    Model.register(workspace, pickled, "digits")
    np.save(tmp_path / "rows.npy", rows)
    assert "no certificate" in typed("model", "certificate", "digits")
    with pytest.raises(ModelyardError, match="--trust"):
        typed("model", "convert", "digits", "--sample", str(tmp_path / "rows.npy"))
    out = typed("model", "convert", "digits", "--sample", str(tmp_path / "rows.npy"), "--trust")
    assert "parity accepted" in out
    assert out.endswith("Registered digits:2\n")
    assert "parity accepted" in typed("model", "certificate", "digits")
    assert json.loads(typed("model", "certificate", "digits", "--json"))["verdict"] == "accepted"
    assert "parity" in typed("model", "show", "digits")


def test_environments_are_made_shown_locked_and_compared(typed, pickled, workspace, tmp_path):
    (tmp_path / "requirements.txt").write_text("six==1.17.0\n")
    (tmp_path / "conda.yml").write_text("dependencies:\n- python=3.11\n- pip:\n  - six==1.16.0\n")
    assert "six==1.17.0" in typed("environment", "create", "train", "--requirements", "requirements.txt", "--dry-run")
    assert "There are no environments." in typed("environment", "list")
    assert typed("environment", "create", "train", "--requirements", "requirements.txt").startswith(
        "Registered train:1"
    )
    assert typed("environment", "create", "train", "--conda", "conda.yml").startswith("Registered train:2")
    assert "train:2" in typed("environment", "list")
    assert "six==1.16.0" in typed("environment", "show", "train")
    assert typed("environment", "lock", "train:1").startswith("six==1.17.0 \\\n    --hash=sha256:")
    assert "1 packages" in typed("environment", "realise", "train:1", "--dry-run")
    folder = typed("environment", "realise", "train:1", "--offline").strip()
    assert (tmp_path / "cache" / "environments") in [*(tmp_path / folder).parents]
    assert typed("environment", "diff", "train:1", "train:2") == "~ six 1.17.0 -> 1.16.0\n"
    Model.register(workspace, pickled, "digits")
    changed = json.loads(typed("environment", "diff", "model:digits", "train:1", "--json"))
    assert {one["name"] for one in changed["removed"]} > {"numpy", "scikit-learn"}
    assert "Would remove" in typed("environment", "prune", "--unused-for", "0", "--dry-run")


def test_an_environment_needs_one_source(workspace):
    result = CliRunner().invoke(modelyard, ["environment", "create", "train"], standalone_mode=True)
    assert result.exit_code == 2
    assert "--requirements FILE" in result.stderr
