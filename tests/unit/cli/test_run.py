import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from modelyard import Experiment, Workspace
from modelyard.cli.main import modelyard


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a workspace with three runs, and stand in it."""
    monkeypatch.chdir(tmp_path)
    experiment = Experiment(Workspace.create("w"), "digits")
    for accuracy in (0.5, 0.9, math.nan):
        with experiment.start_run(tags={"kind": "trial"}) as one:
            one.log("accuracy", accuracy)
    Path("model.bin").write_bytes(b"model")
    one.upload_file("outputs/model.bin", "model.bin")
    with pytest.raises(ValueError, match="bad"), experiment.start_run("broken"):
        raise ValueError("bad data")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(modelyard, arguments, catch_exceptions=False)


@pytest.mark.usefixtures("run")
class TestRun:
    def test_list_sorts_by_a_metric(self) -> None:
        done = call("run", "list", "--sort", "metric:accuracy", "--limit", "2", "--json")
        assert [one["id"] for one in json.loads(done.output)] == ["digits_2", "digits_1"]
        shown = call("run", "list", "-e", "digits", "--sort", "metric:accuracy").output
        assert shown.index("digits_2") < shown.index("digits_1") < shown.index("digits_4")
        assert "0.9" in shown

    def test_list_filters(self) -> None:
        assert [one["id"] for one in json.loads(call("run", "list", "--status", "Failed", "--json").output)] == [
            "digits_4"
        ]
        assert len(json.loads(call("run", "list", "--tag", "kind=trial", "--json").output)) == 3
        assert "There are no such runs" in call("run", "list", "--tag", "none").output

    def test_show_says_how_it_went(self) -> None:
        shown = call("run", "show", "digits_4").output
        assert "Failed" in shown
        assert "ValueError: bad data" in shown
        assert json.loads(call("run", "show", "digits_4", "--json").output)["display_name"] == "broken"

    def test_metrics_keep_what_json_has_not(self) -> None:
        assert json.loads(call("run", "metrics", "digits_3", "--json").output) == {"accuracy": "NaN"}
        assert call("run", "metrics", "digits_2", "accuracy").output.split() == ["accuracy", "0.9"]
        assert call("run", "metrics", "digits_2", "none").output == ""

    def test_files_are_listed_and_fetched(self) -> None:
        assert "outputs/model.bin" in call("run", "files", "digits_3").output
        call("run", "download", "digits_3", "got", "--dry-run")
        assert not Path("got").exists()
        call("run", "download", "digits_3", "got")
        assert Path("got/outputs/model.bin").read_bytes() == b"model"

    def test_tags_are_set_and_removed_but_not_by_a_dry_run(self) -> None:
        call("run", "tag", "digits_1", "a=b=c", "--dry-run")
        call("run", "tag", "digits_1", "x=y=z", "--remove", "kind")
        assert json.loads(call("run", "show", "digits_1", "--json").output)["tags"] == {"x": "y=z"}

    def test_logs_end_with_the_error(self) -> None:
        done = call("run", "logs", "digits_4")
        assert "ValueError: bad data" in done.stderr
        assert done.stdout == ""

    def test_cancel_ends_a_run(self) -> None:
        run = Experiment(Workspace.from_config(), "digits").start_logging()
        assert "Would cancel" in call("run", "cancel", run.id, "--dry-run").output
        assert run.status == "Running"
        assert "Canceled" in call("run", "cancel", run.id).output
        assert run.status == "Canceled"

    def test_experiments_are_listed_and_shown(self) -> None:
        assert json.loads(call("experiment", "list", "--json").output)[0]["last_number"] == 4
        assert "digits" in call("experiment", "list").output
        shown = call("experiment", "show", "digits").output
        assert "digits_4  Failed" in " ".join(shown.split()).replace("digits_4 ", "digits_4  ")
        assert json.loads(call("experiment", "show", "digits", "--json").output)["experiment"]["name"] == "digits"
