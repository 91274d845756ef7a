"""Runners that are killed, or stand still, while a pipeline runs: every effect is there exactly once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.pipelines.six import NAMES, Six, states
from tests.integration.services.clients import wait_until
from tests.integration.services.stopping import stop

from modelyard.pipelines.run import NewPipelineRun
from modelyard.runner.holder import Lease
from modelyard.runner.lease import AcquireLease, ReleaseLease
from modelyard.sdk.experiment import Experiment
from modelyard.sdk.pipeline import submission
from modelyard.sdk.pipeline.jobs import Jobs
from modelyard.sdk.pipeline.reconciler import PipelineReconciler
from modelyard.sdk.pipeline.run import PipelineRun

ROOT = Path(__file__).parents[3]
LEAST = 60
"""Kills, over all runs."""


def _submit(six: Six) -> PipelineRun:
    """Write down that the pipeline is to run, and start no runner."""
    Experiment(six.workspace, "six")
    options = submission.options_of(
        six.workspace, pipeline_parameters=None, regenerate_outputs=True, continue_on_step_failure=False
    )
    new: NewPipelineRun = submission.submitted(six.pipeline(), "six", options, {})
    return PipelineRun.get(six.workspace, six.workspace.backend.pipelines.submit(new).run.id)


def _lives(six: Six, seed: int, lives: int, longest: int, *more: str) -> int:
    command = [sys.executable, "-m", "tests.integration.pipelines.killed", six.workspace.location]
    words = [str(seed), str(lives), str(longest), *more]
    done = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def _left(six: Six) -> list[Path]:
    """List what is there of jobs, but for the marks that they were there."""
    return [one for one in (Path(six.workspace.location) / "runs").glob("*/*") if one.name != "state"]


def test_a_runner_killed_anywhere_leaves_a_run_that_the_next_one_finishes(six: Six, tmp_path: Path) -> None:
    killed = runs = 0
    while killed < LEAST:
        six.effects_file.unlink(missing_ok=True)
        run = _submit(six)
        killed += _lives(six, runs, 20, 400)
        runs += 1

        assert (run.status, set(states(run).values())) == ("Completed", {"finished"}), run.info.error
        assert six.effects == dict.fromkeys(NAMES, 1)
        children = list(run.get_children())
        assert [one.status for one in children] == ["Completed"] * 6
        assert not _left(six)


def test_what_a_runner_leaves_that_is_killed_at_the_very_end_is_removed_by_the_next(
    six: Six, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        """As far as the run is concerned."""

    def killed(*_: object) -> None:
        raise KilledError

    run = _submit(six)
    leases, key = six.workspace.backend.leases, f"pipeline:{run.id}"
    info = leases.acquire(key, AcquireLease(holder="this test", ttl=300))
    lease = Lease(info, time.monotonic(), time.monotonic)
    reconciler = PipelineReconciler(six.workspace)
    with monkeypatch.context() as patched:
        patched.setattr(Jobs, "clear", lambda *_: None)
        patched.setattr(Jobs, "sweep", killed)
        with pytest.raises(KilledError):
            wait_until(lambda: reconciler.step(run.id, lease) is None)
    leases.release(key, ReleaseLease(token=info.token))
    before = run.step_infos()
    assert (run.status, len(_left(six))) == ("Completed", 6)

    assert _lives(six, 0, 0, 1) == 0
    assert (_left(six), run.step_infos(), six.effects) == ([], before, dict.fromkeys(NAMES, 1))


def test_a_runner_that_does_not_know_what_was_started_runs_steps_twice(six: Six) -> None:
    runs = 0
    while set(six.effects.values()) <= {1}:
        assert runs < 10, "the count of effects shows nothing"
        six.effects_file.unlink(missing_ok=True)
        _submit(six)
        _lives(six, runs, 20, 400, "forgetful")
        runs += 1


@contextmanager
def _runner(six: Six) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.integration.pipelines.killed", six.workspace.location, "0", "0", "1"]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_runner_that_stood_still_changes_nothing_when_it_goes_on(six: Six, tmp_path: Path) -> None:
    held = tmp_path / "held"
    pipeline = six.pipeline(variables={"HELD": str(held)})
    step = six.source / "step.py"
    step.write_text(
        step.read_text()
        + "import time\nwhile name == 'first' and not os.path.exists(os.environ['HELD']): time.sleep(0.01)\n"
    )
    Experiment(six.workspace, "six")
    options = submission.options_of(
        six.workspace, pipeline_parameters=None, regenerate_outputs=False, continue_on_step_failure=False
    )
    new = submission.submitted(pipeline, "six", options, {})
    run = PipelineRun.get(six.workspace, six.workspace.backend.pipelines.submit(new).run.id)
    with _runner(six) as first:
        wait_until(lambda: six.effects["first"] == 1)
        (looking,) = (int(one) for one in Path(f"/proc/{first}/task/{first}/children").read_text().split())
        stop(looking, step)
        held.touch()
        with _runner(six):
            wait_until(lambda: run.status == "Completed")
            before = run.step_infos()
            os.kill(looking, signal.SIGCONT)
            wait_until(lambda: not Path(f"/proc/{looking}").exists())

    assert six.effects == dict.fromkeys(NAMES, 1)
    assert run.step_infos() == before
