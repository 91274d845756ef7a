"""Scripts that are submitted, as real processes, in an embedded workspace and over HTTP."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard import Experiment, ScriptRunConfig, Workspace
from modelyard.errors import RunFailedError
from modelyard.sdk.run.logs import STANDARD
from modelyard.sdk.run.script import run_folder

Source = Callable[..., Path]
Until = Callable[[Callable[[], bool]], None]

TRACKED = """
import sys
from modelyard import Run

with Run.get_context() as run:
    for step in range(3):
        run.log("loss", 1 / (step + 1))
    run.tag("kind", "tracked")
print("arguments", sys.argv[1:])
"""


def test_a_script_runs_with_its_arguments(experiment: Experiment, source: Source) -> None:
    config = ScriptRunConfig(source("import sys; print(sys.argv[1:])"), "train.py", ["--lr", 0.5, Path("x")])

    run = experiment.submit(config, tags={"kind": "first"})
    details = run.wait_for_completion()

    assert run.get_logs()[STANDARD] == "['--lr', '0.5', 'x']\n"
    assert (details["status"], run.type, run.tags) == ("Completed", "script", {"kind": "first"})
    assert run.info.details["exit_status"] == 0
    assert run.info.details["arguments"] == ["--lr", "0.5", "x"]


def test_what_a_script_logs_is_in_its_run(experiment: Experiment, source: Source) -> None:
    run = experiment.submit(ScriptRunConfig(source(TRACKED), "train.py"))
    run.wait_for_completion()

    assert run.get_metrics()["loss"] == [1.0, 0.5, 1 / 3]
    assert run.tags == {"kind": "tracked"}
    assert [one.id for one in experiment.get_runs()] == [run.id]


def test_a_script_writes_the_same_submitted_and_by_itself(
    experiment: Experiment, source: Source, tmp_path: Path
) -> None:
    folder = source(TRACKED)
    alone = subprocess.run(
        [sys.executable, "train.py", "--n", "3"], cwd=folder, capture_output=True, text=True, check=True
    )

    run = experiment.submit(ScriptRunConfig(folder, "train.py", ["--n", "3"]))
    run.wait_for_completion()

    assert run.get_logs()[STANDARD] == alone.stdout


def test_outputs_and_logs_are_collected_but_not_what_came_with_the_source(
    experiment: Experiment, source: Source, tmp_path: Path
) -> None:
    folder = source(
        "from pathlib import Path\n"
        "Path('outputs/deep').mkdir()\n"
        "Path('outputs/deep/model.txt').write_text('model')\n"
        "Path('outputs/out').symlink_to('/etc/hostname')\n"
        "Path('logs/own.log').write_text('own')\n"
        "Path('elsewhere').write_text('not kept')\n"
    )
    (folder / "outputs").mkdir()
    (folder / "outputs" / "old.txt").write_text("old")

    run = experiment.submit(ScriptRunConfig(folder, "train.py"))
    run.wait_for_completion()

    assert set(run.get_file_names()) == {"outputs/deep/model.txt", "logs/own.log", STANDARD}
    assert run.download_file("outputs/deep/model.txt", tmp_path / "model.txt").read_text() == "model"


def test_a_failure_has_its_traceback_and_its_outputs(experiment: Experiment, source: Source) -> None:
    folder = source("open('outputs/half', 'w').write('x')\nprint('before')\nraise ValueError('no such data')")

    run = experiment.submit(ScriptRunConfig(folder, "train.py"))

    with pytest.raises(RunFailedError, match=r"train\.py: it ended with status 1"):
        run.wait_for_completion()
    error = run.info.error
    assert error is not None
    assert error.traceback.splitlines()[0] == "Traceback (most recent call last):"
    assert error.traceback.splitlines()[-1] == "ValueError: no such data"
    assert run.info.details["exit_status"] == 1
    assert "outputs/half" in run.get_file_names()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import os; os.kill(os.getpid(), 9)", "killed.*memory"),
        ("import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
        ("import sys; sys.exit(7)", "status 7"),
        ("import modelyard.nothing_here", "status 1"),
        ("import nothing_here.below", "no module 'nothing_here'"),
        ("from modelyard import Run; Run.get_context().fail('too bad')", "too bad"),
    ],
)
def test_a_failure_says_why(embedded: Workspace, source: Source, script: str, said: str) -> None:
    run = Experiment(embedded, "digits").submit(ScriptRunConfig(source(script), "train.py"))

    with pytest.raises(RunFailedError, match=said):
        run.wait_for_completion()


def test_the_log_is_seen_while_the_script_runs(
    experiment: Experiment, source: Source, tmp_path: Path, until: Until
) -> None:
    go_on = tmp_path / "go-on"
    folder = source(
        "import pathlib, sys, time\nprint('first')\n"
        f"while not pathlib.Path({str(go_on)!r}).exists(): time.sleep(0.02)\nprint('last')"
    )
    run = experiment.submit(ScriptRunConfig(folder, "train.py"))

    until(lambda: run.status == "Running" and "first" in run.get_logs().get(STANDARD, ""))
    assert run.get_logs()[STANDARD] == "first\n"
    go_on.touch()
    run.wait_for_completion()

    assert run.get_logs()[STANDARD] == "first\nlast\n"


def test_waiting_shows_the_log(experiment: Experiment, source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    run = experiment.submit(ScriptRunConfig(source("print('shown ✓')"), "train.py"))

    run.wait_for_completion(show_output=True)

    assert "shown ✓\n" in capsys.readouterr().out


def test_the_snapshot_is_the_source_without_what_is_ignored(
    experiment: Experiment, source: Source, tmp_path: Path
) -> None:
    folder = source("import os; print(sorted(os.listdir()))", **{"data.bin": "x", ".amlignore": "*.bin\n"})

    run = experiment.submit(ScriptRunConfig(folder, "train.py"))
    run.wait_for_completion()

    assert run.get_logs()[STANDARD] == "['.amlignore', 'logs', 'outputs', 'train.py']\n"
    tree = run.backend.trees.get(run.info.digests["snapshot"])
    assert set(tree.files) == {".amlignore", "train.py"}


def test_inputs_are_given_by_name_and_recorded(experiment: Experiment, source: Source, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1,2")
    (tmp_path / "labels.csv").write_text("3")
    folder = source(
        "import os, sys, pathlib\nfor path in sys.argv[1:]: print(pathlib.Path(path).read_text())\n"
        "print(sys.argv[2] == os.environ['AZURE_ML_INPUT_labels'])"
    )
    words = ["${{inputs.data}}/a.csv", "${{ inputs.labels }}"]
    inputs = {"data": tmp_path / "data", "labels": tmp_path / "labels.csv"}

    run = experiment.submit(ScriptRunConfig(folder, "train.py", words, inputs=inputs))
    run.wait_for_completion()

    assert run.get_logs()[STANDARD] == "1,2\n3\nTrue\n"
    assert set(run.backend.trees.get(run.info.digests["input:data"]).files) == {"a.csv"}


def test_a_command_runs_in_place_of_a_script(experiment: Experiment, source: Source) -> None:
    run = experiment.submit(
        ScriptRunConfig(
            source(), command="sh -c 'echo $GREETING; echo $AZUREML_RUN_ID'", environment_variables={"GREETING": "hi"}
        )
    )
    run.wait_for_completion()

    assert run.get_logs()[STANDARD] == f"hi\n{run.id}\n"
    assert run.info.details["environment_variables"] == ["GREETING"]
    assert "hi" not in str(run.info.details)


def test_the_run_of_the_submitting_process_is_not_the_scripts(
    experiment: Experiment, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_RUN", "other_1")

    run = experiment.submit(ScriptRunConfig(source("import os; print(os.environ['MODELYARD_RUN'])"), "train.py"))
    run.wait_for_completion()

    assert run.get_logs()[STANDARD] == f"{run.id}\n"


def test_what_is_installed_is_recorded(embedded: Workspace, source: Source) -> None:
    run = Experiment(embedded, "digits").submit(ScriptRunConfig(source(), "train.py"))
    run.wait_for_completion()

    assert b'"name":"msgspec"' in embedded.backend.blobs.read(run.info.digests["environment"])
    assert run.info.details["environment"]["kind"] == "recorded"


def test_nothing_of_an_ended_run_stays_on_the_disk(
    experiment: Experiment, source: Source, tmp_path: Path, until: Until
) -> None:
    run = experiment.submit(ScriptRunConfig(source(), "train.py"))
    run.wait_for_completion()

    until(lambda: not run_folder(run.workspace, run.id).exists())


def test_many_runs_at_once_each_get_their_own(embedded: Workspace, source: Source) -> None:
    folder = source("import sys; print(sys.argv[1]); open('outputs/n', 'w').write(sys.argv[1])")
    experiment = Experiment(embedded, "digits")
    runs = [experiment.submit(ScriptRunConfig(folder, "train.py", [number])) for number in range(4)]
    for run in runs:
        run.wait_for_completion()

    assert [run.get_logs()[STANDARD] for run in runs] == [f"{number}\n" for number in range(4)]
