"""``modelyard pipeline``, as one types it: two scripts, their runs, and why their steps ran."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from modelyard import Experiment, PipelineRun, Workspace
from modelyard.cli.main import modelyard
from modelyard.errors import InvalidValueError, NotFoundError, StateError
from modelyard.pipelines.errors import InvalidParametersError
from modelyard.sdk.runner import attendance

Call = Callable[..., Result]

FLOW = """
from helping import ROWS
from modelyard import CommandStep, Pipeline, PipelineData, PipelineParameter, PythonScriptStep

NUMBER = 3

def flow(workspace):
    rows, model = PipelineData("rows", is_directory=False), PipelineData("model", is_directory=True)
    alpha, most = PipelineParameter("alpha", 0.5), PipelineParameter("most", 10)
    prepare = PythonScriptStep("prepare.py", "prepare", [rows, most], outputs=[rows], source_directory="source")
    train = PythonScriptStep(
        "train.py", "train", [rows, model, alpha], inputs=[rows], outputs=[model], source_directory="source"
    )
    report = CommandStep("report", ["true"])
    report.run_after(train)
    return Pipeline(workspace, [prepare, train, report], ROWS)

def endless(workspace):
    return Pipeline(workspace, [CommandStep("wait", ["sleep", "600"])])
"""
PREPARE = """
import sys
open(sys.argv[1], "w").write("a,b")
print("prepared", sys.argv[2])
"""
TRAIN = """
import pathlib, sys
rows, model, alpha = sys.argv[1:]
if float(alpha) > 1:
    sys.exit("alpha is too large")
(pathlib.Path(model) / "model.txt").write_text(alpha + " " + open(rows).read())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a workspace beside a pipeline, which has run once; its runner ends with the tests."""
    folder = tmp_path_factory.mktemp("flow")
    (folder / "source").mkdir()
    files = {"flow.py": FLOW, "helping.py": "ROWS = 'rows to a model'\n"}
    for path, text in {**files, "source/prepare.py": PREPARE, "source/train.py": TRAIN}.items():
        (folder / path).write_text(text)
    with Workspace.create("tests", path=folder) as workspace:
        command = [sys.executable, "-m", "modelyard.cli.main", "pipeline", "submit", "flow.py:flow", "-e", "churn"]
        done = subprocess.run(
            [*command, "--tag", "kind=first", "--wait"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        yield folder
        if (looking := attendance(workspace)) is not None:
            looking.stop(60)


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    with Workspace.open(folder) as workspace:
        yield workspace


@pytest.fixture
def call(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Give what calls ``modelyard pipeline`` in the folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def call(*words: str) -> Result:
        return CliRunner().invoke(modelyard, ["pipeline", *words], catch_exceptions=False)

    return call


def test_a_run_is_listed_and_shown(call: Call) -> None:
    assert [one["id"] for one in json.loads(call("list", "--tag", "kind=first", "--json").output)] == ["churn_1"]
    assert "churn_1" in call("list", "-e", "churn").output
    shown = call("show", "churn_1").output
    assert "Completed" in shown
    assert "finished" in shown
    assert json.loads(call("show", "churn_1", "--json").output)["graph"]["description"] == "rows to a model"
    assert [one["name"] for one in json.loads(call("steps", "churn_1", "--json").output)] == [
        "prepare",
        "train",
        "report",
    ]


def test_what_steps_have_written_is_there(call: Call) -> None:
    assert call("logs", "churn_1", "prepare").stdout == "prepared 10\n"
    assert call("outputs", "churn_1", "model", "would", "--dry-run").output == "Would write would/model/model.txt\n"
    assert not Path("would").exists()
    call("outputs", "churn_1", "model", "got", "--step", "train")
    assert Path("got/model/model.txt").read_text() == "0.5 a,b"
    with pytest.raises(NotFoundError, match="rows"):
        call("outputs", "churn_1", "row", "got")


def test_a_dry_run_says_why_and_starts_nothing(call: Call, workspace: Workspace) -> None:
    before = len(json.loads(call("list", "--json").output))
    said = call("submit", "flow.py:flow", "-e", "churn", "--dry-run").output
    other = call("submit", "flow.py:flow", "-e", "churn", "-p", "most=3", "--dry-run").output
    anew = call("submit", "flow.py:flow", "-e", "other", "--regenerate", "--dry-run", "--json").output

    assert said.count("reused: nothing that counts has changed") == 3
    assert "prepare runs: parameter most was 10, is 3" in other
    assert "train is decided when the steps before it have run (prepare)" in other
    assert [one["because"] for one in json.loads(anew)] == ["regenerate"] * 3
    assert len(json.loads(call("list", "--json").output)) == before
    assert "other" not in [one.name for one in Experiment.list(workspace)]


def test_a_run_again_reuses_and_is_explained(call: Call) -> None:
    again = json.loads(call("resubmit", "churn_1", "-p", "alpha=0.75", "--wait", "--json").stdout)

    steps = json.loads(call("steps", again["id"], "--json").output)
    assert [step["state"] for step in steps] == ["reused", "finished", "reused"]
    assert "train runs: parameter alpha was 0.5, is 0.75" in call("explain", again["id"], "--against", "churn_1").output


def test_a_run_that_failed_is_resumed(call: Call) -> None:
    failed = call("submit", "flow.py:flow", "-e", "broken", "-p", "alpha=2", "--wait")
    run = json.loads(call("list", "-e", "broken", "--json").output)[0]["id"]
    resumed = call("resume", run, "--wait")

    assert (failed.exit_code, resumed.exit_code) == (1, 1)
    assert f"{run} is Failed: Step 'train' failed" in failed.stderr
    assert "alpha is too large" in call("logs", run, "train").stdout
    with pytest.raises(StateError, match="is skipped: it cannot be looked at"):
        call("logs", run, "report")
    assert "with 2 steps that may run: train, report" in call("resume", run, "--dry-run").output


def test_a_run_is_canceled(call: Call, workspace: Workspace) -> None:
    run = call("submit", "flow.py:endless", "-e", "endless").stdout.strip()

    assert "Would cancel" in call("cancel", run, "--dry-run").output
    call("cancel", run)
    PipelineRun.get(workspace, run).wait_for_completion(show_output=False, raise_on_error=False, timeout_seconds=60)
    assert json.loads(call("steps", run, "--json").output)[0]["state"] == "canceled"


def test_a_run_again_takes_only_values_that_can_be_written(workspace: Workspace) -> None:
    with pytest.raises(InvalidValueError, match="'alpha': nan cannot be written"):
        PipelineRun.get(workspace, "churn_1").resubmit(pipeline_parameters={"alpha": math.nan})


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        (["flow.py:flows"], NotFoundError, "There are: flow.py:flow"),
        (["none.py:flow"], NotFoundError, "no file 'none.py'"),
        (["flow.py"], InvalidValueError, "write FILE.py:NAME or FILE.yaml"),
        (["flow.py:NUMBER"], InvalidValueError, "it is a int; name a Pipeline"),
        (["flow.py:flow", "-p", "most=many"], InvalidParametersError, "'most' takes a value of the type int"),
        (["flow.py:flow", "-p", "alpha=nan"], InvalidValueError, "--parameter alpha: nan"),
        (["flow.py:flow", "-p", "other=1"], InvalidParametersError, "there is no parameter 'other'"),
    ],
)
def test_what_cannot_be_submitted_is_said(call: Call, words: list[str], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call("submit", "-e", "wrong", *words)


def test_a_file_of_a_pipeline_is_submitted(call: Call, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text("steps: [{name: hello, command: echo hello}]\n")

    run = json.loads(call("submit", str(tmp_path / "flow.yaml"), "-e", "file", "--wait", "--json").stdout)

    assert run["status"] == "Completed"
    assert call("logs", run["id"], "hello").stdout == "hello\n"


def test_a_pipeline_is_published_and_called(call: Call) -> None:
    would = call("publish", "flow.py:flow", "--name", "churn", "--dry-run").output
    made = call("publish", "flow.py:flow", "--name", "churn", "--version", "1.0").stdout.strip()
    run = call("published", "call", made, "-e", "called", "-p", "alpha=0.25", "--wait", "--json").stdout

    assert would == "Would publish churn with 3 steps: prepare, train, report\n"
    assert json.loads(run)["parameters"] == {"alpha": 0.25, "most": 10}
    assert "'alpha': 0.75" in call("published", "call", made, "-e", "no", "-p", "alpha=0.75", "--dry-run").output
    with pytest.raises(InvalidParametersError, match="there is no parameter 'other'"):
        call("published", "call", made, "-e", "no", "-p", "other=1")


def test_a_published_pipeline_is_listed_until_it_is_disabled(call: Call) -> None:
    made = json.loads(call("publish", "flow.py:flow", "--name", "listed", "--json").stdout)["id"]
    shown = call("published", "show", made).output
    assert made in call("published", "list").output
    assert "prepare, train, report" in shown
    assert json.loads(call("published", "show", made, "--json").output)["endpoint"] is None

    assert "Would disable" in call("published", "change", "disable", made, "--dry-run").output
    assert call("published", "change", "disable", made).output == "listed is Disabled\n"

    assert made not in call("published", "list").output
    assert made in [one["id"] for one in json.loads(call("published", "list", "--all", "--json").output)]
