"""What was logged is there, however the process ended."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelyard import Experiment, Run, Workspace
from modelyard.tracking.beats import Beats
from modelyard.tracking.status import MISSED

SCRIPT = """
import sys
from modelyard import Experiment, Workspace

run = Experiment(Workspace.open(sys.argv[1]), "killed").start_logging()
print(run.id, flush=True)
step = 0
while True:
    run.log("step", step)
    sys.stdout.write(f"{step}\\n")
    sys.stdout.flush()
    step += 1
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create("durable", path=tmp_path)


def kill_after(workspace: Workspace, lines: int) -> tuple[str, list[int]]:
    """Run the script, kill it when it has acknowledged so many metrics, and return its run and what it acknowledged."""
    script = subprocess.Popen([sys.executable, "-c", SCRIPT, workspace.location], stdout=subprocess.PIPE, text=True)
    assert script.stdout is not None
    run_id = script.stdout.readline().strip()
    said = [script.stdout.readline() for _ in range(lines)]
    script.send_signal(signal.SIGKILL)
    said += script.stdout.read().splitlines(keepends=True)
    script.stdout.close()
    assert script.wait() == -signal.SIGKILL
    return run_id, [int(line) for line in said if line.endswith("\n")]


def test_a_metric_is_there_after_a_kill_and_none_that_was_not_logged(workspace: Workspace) -> None:
    order = random.Random(5)
    for _ in range(3):
        run_id, acknowledged = kill_after(workspace, order.randrange(50, 400))
        found = [one.value for one in Run.get(workspace, run_id).metric_history("step")]
        assert len(acknowledged) >= 50
        assert found[: len(acknowledged)] == acknowledged
        # at most the one that was under way when the kill came is there without having been acknowledged
        assert found[len(acknowledged) :] in ([], [len(acknowledged)])
    with workspace.backend.runs._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_what_returned_just_before_a_kill_is_there_every_time(workspace: Workspace) -> None:
    run_id = Experiment(workspace, "killed").start_logging().id
    for sample in range(60):
        workspace.close()  # what is open is not shared with the process that is killed
        if (child := os.fork()) == 0:
            run = Run.get(workspace, run_id)
            run.log("logged", sample)
            os.kill(os.getpid(), signal.SIGKILL)
            run.log("not logged", sample)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        assert [one.value for one in Run.get(workspace, run_id).metric_history("logged")] == list(range(sample + 1))
    assert set(Run.get(workspace, run_id).get_metrics()) == {"logged"}


def test_a_run_whose_process_was_killed_reads_as_silent(workspace: Workspace) -> None:
    workspace.backend.beats = Beats(workspace.backend.runs.beat, interval=0.2)
    experiment = Experiment(workspace, "silent")
    child = os.fork()
    if child == 0:
        experiment.start_logging()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    run = next(iter(experiment.get_runs()))
    deadline = time.monotonic() + 60
    while run.status != "NotResponding" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert run.status == "NotResponding"
    assert [one.id for one in experiment.get_runs(status="NotResponding")] == [run.id]
    assert list(experiment.get_runs(status="Running")) == []
    assert workspace.backend.runs.beat(run.id).status == "Running"


def test_a_run_that_goes_on_gives_signs_of_life(workspace: Workspace) -> None:
    seen = []
    workspace.backend.beats = Beats(lambda run_id: seen.append(workspace.backend.runs.beat(run_id)), interval=0.5)
    with Experiment(workspace, "alive").start_run() as run:
        deadline = time.monotonic() + 60
        while len(seen) <= MISSED + 1:  # for longer than it takes a silent one to read as such
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert run.status == "Running"


def test_processes_that_log_to_one_run_lose_nothing(workspace: Workspace) -> None:
    run = Experiment(workspace, "many").start_logging()
    script = (
        "import sys; from modelyard import Run, Workspace\n"
        "run = Run.get(Workspace.open(sys.argv[1]), sys.argv[2])\n"
        "for i in range(200): run.log('x', i)\n"
    )
    command = [sys.executable, "-c", script, workspace.location, run.id]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(120) for process in processes] == [0, 0, 0, 0]
    history = run.metric_history("x")
    assert [one.position for one in history] == list(range(1, 801))
    assert sorted(one.value for one in history) == sorted(list(range(200)) * 4)


CONTEXT = """
from pathlib import Path
from modelyard import Run

run = Run.get_context()
run.log("a", 1.5)
Path("made.txt").write_text("made")
run.upload_file("outputs/made.txt", "made.txt")
with run.child_run() as child:
    child.log("b", float("nan"))
run.tag("k", "v")
print(run.get_metrics(), run.get_file_names(), run.experiment.name, run.experiment.workspace.name)
"""


def run_script(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CONTEXT],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_script_finds_the_run_that_it_belongs_to(workspace: Workspace, tmp_path: Path) -> None:
    run = Experiment(workspace, "inside").start_logging()
    done = run_script(tmp_path, MODELYARD_RUN=run.id, MODELYARD_WORKSPACE=workspace.location)
    assert done.stdout.strip() == "{'a': 1.5} ['outputs/made.txt'] inside durable"
    assert done.stderr == ""
    assert run.get_metrics() == {"a": 1.5}
    assert run.tags == {"k": "v"}


def test_the_same_script_runs_offline_and_says_so(tmp_path: Path) -> None:
    done = run_script(tmp_path)
    assert done.stdout.strip() == "{'a': 1.5} ['outputs/made.txt'] offline offline"
    assert done.stderr.startswith("modelyard: offline run")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "outputs" / "made.txt").read_text() == "made"


def test_a_process_without_a_run_may_insist_on_one() -> None:
    from modelyard.errors import StateError

    with pytest.raises(StateError):
        Run.get_context(allow_offline=False)
