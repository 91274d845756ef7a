"""Steps that write, end and change what no step should: each is told for what it is, and holds nobody up."""

import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.services.clients import wait_until
from tests.integration.services.ending import kill, runner_of

from modelyard.pipelines.advance import PipelineDueQuery
from modelyard.sdk.experiment import Experiment
from modelyard.sdk.pipeline.data import PipelineData
from modelyard.sdk.pipeline.pipeline import Pipeline
from modelyard.sdk.pipeline.run import PipelineRun
from modelyard.sdk.pipeline.step import CommandStep
from modelyard.sdk.workspace import Workspace
from modelyard.tracking.run import StatusChange


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Give one workspace for all tests; its runner ends with them."""
    with Workspace.create("odd", path=tmp_path_factory.mktemp("odd, ü")) as made:
        yield made
        kill(runner_of(made))


def _command(name: str, code: str, *words: Any, **options: Any) -> CommandStep:
    return CommandStep(name=name, command=[sys.executable, "-c", code, *words], **options)


def _submit(workspace: Workspace, *steps: CommandStep) -> PipelineRun:
    run: PipelineRun = Experiment(workspace, "odd").submit(Pipeline(workspace, list(steps)))
    return run


def _run(workspace: Workspace, *steps: CommandStep) -> PipelineRun:
    run = _submit(workspace, *steps)
    run.wait_for_completion(show_output=False, raise_on_error=False, timeout_seconds=120)
    return run


def _error(run: PipelineRun) -> str:
    return "".join(step.error.message for step in run.step_infos() if step.error)


@pytest.mark.parametrize(
    ("is_directory", "code", "told"),
    [
        (True, "open(os.path.join(os.fsencode(path), b'caf\\xe9'), 'w')", "not valid unicode"),
        (True, "os.mkfifo(path + '/pipe')", "'pipe' cannot be used: it is neither a file, a folder nor a link"),
        (True, "os.symlink('/etc/passwd', path + '/out')", "which is outside the folder"),
        (None, "os.mkfifo(path)", "its output 'data' is neither a file nor a folder"),
        (None, "os.symlink('/dev/zero', path)", "its output 'data' is neither a file nor a folder"),
        (False, "os.mkdir(path)", "its output 'data' is no file"),
        (False, "os.symlink('gone', path)", "it has not written its output 'data'"),
    ],
)
def test_an_output_that_cannot_be_kept_is_told(
    workspace: Workspace, is_directory: bool | None, code: str, told: str
) -> None:
    data = PipelineData("data", is_directory=is_directory)
    run = _run(workspace, _command("write", f"import os, sys; path = sys.argv[1]; {code}", data, outputs=[data]))

    assert run.status == "Failed"
    assert told in _error(run)


def test_folders_arrive_as_they_were_written(workspace: Workspace) -> None:
    data = PipelineData("data", is_directory=True)
    write = """
import os, sys
os.chdir(sys.argv[1])
os.makedirs("ü b/empty")
for name, mode in {"plain": 0o600, "tool": 0o755, "a\\nb": 0o644}.items():
    os.close(os.open(name, os.O_CREAT, mode))
os.symlink("ü b", "link")
"""
    read = """
import os, sys
for at, folders, files in sorted(os.walk(sys.argv[1])):
    for name in sorted([*folders, *files]):
        path = os.path.join(at, name)
        print(ascii(os.path.relpath(path, sys.argv[1])), os.path.islink(path), os.access(path, os.X_OK))
"""
    steps = _command("write", write, data, outputs=[data]), _command("read", read, data, inputs=[data])

    assert _run(workspace, *steps).find_step_run("read")[0].get_stdout_log().splitlines() == [
        r"'a\nb' False False",
        "'link' True True",
        "'plain' False False",
        "'tool' False True",
        r"'\xfc b' False True",
        r"'\xfc b/empty' False True",
    ]


def test_a_step_that_changes_its_input_changes_only_its_own(workspace: Workspace, tmp_path: Path) -> None:
    data = PipelineData("data", is_directory=False)
    change = "import sys; file = open(sys.argv[1], 'r+'); print(file.read()); file.seek(0); file.write('bad')"
    first = _command("first", change, data, inputs=[data])
    second = _command("second", change, data, inputs=[data])
    second.run_after(first)
    write = _command("write", "import sys; open(sys.argv[1], 'w').write('good')", data, outputs=[data])
    run = _run(workspace, write, first, second)

    assert [one.get_stdout_log() for one in run.get_steps()] == ["", "good\n", "good\n"]
    assert run.get_pipeline_output("data").download(tmp_path).read_text() == "good"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os, shutil; shutil.rmtree(os.path.dirname(os.path.dirname(os.getcwd())))", "was killed"),
        ("import os, time; os.kill(os.getppid(), 9); time.sleep(60)", "was killed"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
    ],
    ids=["its folder removed", "its guard killed", "killed"],
)
def test_a_step_that_is_gone_without_an_end_fails(workspace: Workspace, code: str, told: str) -> None:
    assert told in _error(_run(workspace, _command("gone", code)))


def test_arguments_arrive_as_they_were_given(workspace: Workspace) -> None:
    words = ["", "a b", "new\nline", "'\"$HOME", "ü☃"]
    run = _run(workspace, _command("say", "import sys; print(ascii(sys.argv[1:]))", *words))

    assert run.get_steps()[0].get_stdout_log() == f"{words!a}\n"


@pytest.mark.parametrize(
    "end",
    [
        lambda run: run.backend.runs.change_status(run.id, StatusChange(status="Completed")),
        lambda run: run.backend.runs.change_status(run.get_steps()[0].id, StatusChange(status="Failed")),
        lambda run: run.get_steps()[0].cancel(),
    ],
    ids=["the run is said to have ended", "the run of the step is said to have ended", "the step is canceled"],
)
def test_what_others_end_holds_no_slot(workspace: Workspace, tmp_path: Path, end: Callable[[PipelineRun], Any]) -> None:
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    code = "import os, sys, time; open(sys.argv[1], 'w')\nwhile not os.path.exists(sys.argv[2]): time.sleep(0.02)"
    run = _submit(workspace, _command("waits", code, begun, go_on))
    wait_until(begun.exists)
    end(run)
    if run.get_steps()[0].status == "Failed":  # which ends nothing
        go_on.touch()
    due = PipelineDueQuery(machine=platform.node())
    wait_until(lambda: run.id not in workspace.backend.pipeline_progress.due(due).runs)

    (step,) = run.step_infos()
    assert (run.is_ended, step.state in {"canceled", "finished"}) == (True, True)
    place = Path(workspace.location) / "runs" / step.run
    assert [one.name for one in place.iterdir()] == ["state"]
