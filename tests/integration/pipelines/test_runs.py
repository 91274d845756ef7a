"""Pipelines run by a real runner, in real processes."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.pipelines.six import NAMES, Six, states
from tests.integration.services.clients import wait_until

from modelyard.errors import RunFailedError, StateError
from modelyard.pipelines.graph import Reuse
from modelyard.sdk.data.dataset import Dataset
from modelyard.sdk.data.reference import DataReference
from modelyard.sdk.experiment import Experiment
from modelyard.sdk.pipeline.data import PipelineData
from modelyard.sdk.pipeline.pipeline import Pipeline
from modelyard.sdk.pipeline.run import PipelineRun
from modelyard.sdk.pipeline.step import CommandStep, PythonScriptStep
from modelyard.sdk.run.run import Run
from modelyard.sdk.workspace import Workspace

WHOLE = "first. left. first. middle. first. right. join. last. "


def _text(run: PipelineRun, folder: Path, name: str = "last") -> str:
    return run.get_pipeline_output(name).download(folder).read_text()


def _run(workspace: Workspace, *steps: CommandStep, **options: Any) -> PipelineRun:
    run: PipelineRun = Experiment(workspace, "some").submit(Pipeline(workspace, list(steps)), **options)
    run.wait_for_completion(show_output=False, raise_on_error=False, timeout_seconds=240)
    return run


def _command(name: str, code: str, **options: Any) -> CommandStep:
    return CommandStep(name=name, command=[sys.executable, "-c", code], allow_reuse=False, **options)


def test_what_steps_write_flows_on_and_a_second_run_runs_nothing(six: Six, tmp_path: Path) -> None:
    first = six.run()
    again = six.run()

    assert (first.status, again.status) == ("Completed", "Completed")
    assert set(states(first).values()) == {"finished"}
    assert set(states(again).values()) == {"reused"}
    assert six.effects == dict.fromkeys(NAMES, 1)
    assert [_text(run, tmp_path / run.id) for run in (first, again)] == [WHOLE, WHOLE]
    (last,) = first.find_step_run("last")
    assert (last.get_stdout_log(), last.status, last.parent.id) == ("done last\n", "Completed", first.id)
    assert again.find_step_run("last")[0].id == last.id
    assert {one.id for one in first.get_children()} == {one.id for one in first.get_steps()}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda six: (six.source / "helper.py").write_text("SIGN = '!'\n"), "code: helper.py has changed"),
        (lambda six: (six.source / "new.txt").write_text(""), "code: new.txt is new"),
        (lambda six: (six.source / "step.py").chmod(0o755), "code: step.py is executable now"),
    ],
    ids=["helper", "new-file", "mode"],
)
def test_a_changed_file_of_the_code_is_noticed_and_named(six: Six, change: Callable[[Six], Any], told: str) -> None:
    six.run()
    change(six)
    run = six.run()

    assert six.effects["first"] == 2
    assert told in str(run.explain()[0])


def test_a_parameter_runs_only_the_steps_that_use_it(six: Six) -> None:
    six.run()
    run = six.run(pipeline_parameters={"word": "bye"})

    assert {name for name, state in states(run).items() if state == "finished"} == {"last"}
    assert str(run.explain()[-1]) == "last runs: parameter word was 'hello', is 'bye'"


def test_a_variable_is_noticed_and_its_value_is_not_shown(six: Six) -> None:
    six.run()
    run = six.run(six.pipeline(variables={"TOKEN": "secret-value"}))

    assert "variable TOKEN is new" in str(run.explain()[0])
    assert "secret-value" not in str(run.explain()[0])


def test_files_of_a_datastore_and_versions_of_data_sets_count_by_their_content(
    workspace: Workspace, tmp_path: Path
) -> None:
    store = workspace.get_default_datastore()
    (tmp_path / "a.csv").write_text("x\n1\n")
    rows = DataReference(store, "rows", "raw/a.csv")
    found = []
    for text in ("x\n1\n", "x\n1\n", "x\n1\n2\n"):
        (tmp_path / "a.csv").write_text(text)
        store.upload_files([tmp_path / "a.csv"], target_path="raw", overwrite=True, show_progress=False)
        data = Dataset.register(workspace, "rows", tmp_path / "a.csv")
        copy = "import sys; open(sys.argv[2], 'w').write(open(sys.argv[1]).read())"
        read = CommandStep(
            name="read",
            command=[sys.executable, "-c", copy, rows, written := PipelineData("written", is_directory=False)],
            inputs=[rows, data.as_named_input("table")],
            outputs=[written],
        )
        found.append(_run(workspace, read))

    assert [states(run)["read"] for run in found] == ["finished", "reused", "finished"]
    told = str(found[-1].explain()[0])
    assert "rows: a.csv has changed (2 → 3 rows, 4 → 6 bytes)" in told
    assert "table: a.csv has changed" in told
    assert _text(found[-1], tmp_path / "out", "written") == "x\n1\n2\n"


def test_steps_run_again_where_that_is_asked_for(six: Six) -> None:
    six.run(six.pipeline(allow_reuse=False))
    never = six.run(six.pipeline(allow_reuse=False))
    anew = six.run(regenerate_outputs=True)

    assert six.effects == dict.fromkeys(NAMES, 3)
    assert "reuse is off" in str(never.explain()[0])
    assert "made anew" in str(anew.explain()[0])


def test_a_step_that_fails_is_named_and_others_are_left_out(six: Six) -> None:
    run = six.submit(six.pipeline(failing="middle"))
    with pytest.raises(RunFailedError, match=r"Step 'middle' failed: step\.py: it ended with status 1"):
        run.wait_for_completion(show_output=False, timeout_seconds=240)

    assert (states(run)["middle"], states(run)["join"], states(run)["last"]) == ("failed", "skipped", "skipped")
    (failed,) = run.find_step_run("middle")
    assert (failed.status, "middle fails" in failed.info.error.traceback) == ("Failed", True)
    with pytest.raises(StateError, match="Step 'last' is skipped"):
        run.get_pipeline_output("last")


def test_steps_that_do_not_need_it_go_on_if_asked(workspace: Workspace) -> None:
    bad, good = _command("bad", "raise SystemExit(3)"), _command("good", "import time; time.sleep(0.5)")
    after_bad, after_good = _command("after bad", "pass"), _command("after good", "pass")
    after_bad.run_after(bad)
    after_good.run_after(good)
    run = _run(workspace, bad, good, after_bad, after_good, continue_on_step_failure=True)

    assert run.status == "Failed"
    assert states(run) == {"bad": "failed", "good": "finished", "after bad": "skipped", "after good": "finished"}


def test_a_step_is_tried_again_and_each_try_has_a_run(workspace: Workspace, tmp_path: Path) -> None:
    tries = str(tmp_path / "tries")
    code = f"import os; open({tries!r}, 'a').write('x'); exit(os.path.getsize({tries!r}) < 3)"
    run = _run(workspace, _command("unsure", code, retries=2))

    (step,) = run.step_infos()
    assert (run.status, step.state, step.attempt) == ("Completed", "finished", 3)
    assert sorted(one.status for one in run.get_children()) == ["Completed", "Failed", "Failed"]


def test_a_step_that_takes_too_long_or_does_not_write_what_it_promised_fails(workspace: Workspace) -> None:
    promised = PipelineData("promised")
    slow = _command("slow", "import time; time.sleep(60)", timeout=0.3)
    empty = CommandStep(name="empty", command=["true", promised], outputs=[promised])
    run = _run(workspace, slow, empty, continue_on_step_failure=True)

    errors = {step.name: step.error.message for step in run.step_infos() if step.error}
    assert "timeout of 0.3 s" in errors["slow"]
    assert errors["empty"] == "true succeeded, but it has not written its output 'promised'."


def test_cancel_ends_all_that_a_step_has_started(workspace: Workspace, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
hidden = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
child = subprocess.Popen([sys.executable, "-c", hidden], start_new_session=True)
open({str(pids)!r} + ".part", "w").write(f"{{os.getpid()}} {{child.pid}}")
os.rename({str(pids)!r} + ".part", {str(pids)!r})
time.sleep(300)
"""
    second = _command("second", "pass")
    second.run_after(first := _command("first", code))
    run = Experiment(workspace, "some").submit(Pipeline(workspace, [first, second]))
    wait_until(pids.exists)
    run.cancel()
    run.wait_for_completion(show_output=False, raise_on_error=False, timeout_seconds=120)

    assert (run.status, states(run)) == ("Canceled", {"first": "canceled", "second": "canceled"})
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids.read_text().split())


def test_resume_runs_what_is_left_and_nothing_else(six: Six, tmp_path: Path) -> None:
    failed = six.run(six.pipeline(failing="join", allow_reuse=False))
    six.mend()
    run = failed.resume()
    run.wait_for_completion(show_output=False, timeout_seconds=240)

    assert failed.status == "Failed"
    assert six.effects == dict.fromkeys(NAMES, 1) | {"join": 2}
    assert _text(run, tmp_path) == WHOLE


def test_an_argument_and_what_counts_of_earlier_steps_are_noticed(workspace: Workspace) -> None:
    def pipeline(word: str, reuse: Reuse) -> PipelineRun:
        rows = PipelineData("rows", is_directory=False)
        write = "import sys; open(sys.argv[1], 'w').write('rows')"
        first = CommandStep(name="first", command=[sys.executable, "-c", write, rows, word], outputs=[rows])
        last = CommandStep(name="last", command=["test", "-f", rows], inputs=[rows], allow_reuse=reuse)
        return _run(workspace, first, last)

    content, definition = Reuse(by="content"), Reuse(by="definition")
    runs = [pipeline(word, reuse) for reuse in (content, definition) for word in ("a", "b")]
    old = pipeline("b", Reuse(by="definition", max_age=0.0))

    assert [list(states(run).values()) for run in runs] == [
        ["finished", "finished"],
        ["finished", "reused"],  # the same rows were written
        ["reused", "finished"],
        ["reused", "finished"],  # by another step
    ]
    assert "first runs: argument" in str(runs[1].explain(runs[0])[0])
    assert (list(states(old).values()), "at most 0 s" in str(old.explain()[1])) == (["reused", "finished"], True)


def test_resubmit_runs_the_code_that_was_submitted(six: Six, tmp_path: Path) -> None:
    first = six.run()
    (six.source / "helper.py").write_text("SIGN = '?'\n")
    again = first.resubmit(pipeline_parameters={"word": "bye"}, regenerate_outputs=True)
    again.wait_for_completion(show_output=False, timeout_seconds=240)

    assert _text(again, tmp_path) == WHOLE
    assert again.parameters == {"word": "bye"}


def test_a_script_logs_metrics_to_the_run_of_its_step(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "from modelyard import Run\nwith Run.get_context() as run:\n    run.log('loss', 0.5)\n    print('trained')\n"
    )
    run = _run(workspace, PythonScriptStep(name="train", script_name="train.py", source_directory=tmp_path))

    (train,) = run.get_steps()
    assert (run.status, train.status, train.get_metrics()) == ("Completed", "Completed", {"loss": 0.5})
    assert Run.get(workspace, train.id).get_logs()["logs/std_log.txt"] == "trained\n"


def test_output_of_any_bytes_is_kept(workspace: Workspace) -> None:
    run = _run(workspace, _command("loud", r"import os; os.write(1, b'caf\xe9 \x00\xff\n' * 3)"))

    assert run.get_steps()[0].get_stdout_log() == "caf\ufffd \x00\ufffd\n" * 3


def test_many_steps_share_the_slots_that_there_are(workspace: Workspace, tmp_path: Path) -> None:
    slots = len(os.sched_getaffinity(0))
    code = f"""
import fcntl, os, time
def change(by):
    with open({str(tmp_path / "count")!r}, "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX); file.seek(0); now = int(file.read() or 0) + by
        file.truncate(0); file.write(str(now)); return now
running, end = change(1), time.monotonic() + 60
while running < {slots} and not os.path.exists({str(tmp_path / "met")!r}) and time.monotonic() < end:
    time.sleep(0.01); running = change(0)
open({str(tmp_path / "met")!r}, "w").close()
print(running); change(-1)
"""
    run = _run(workspace, *[_command(f"step {number}", code) for number in range(12 + slots)])

    assert run.status == "Completed"
    assert max(int(one.get_stdout_log()) for one in run.get_steps()) == slots


def test_pipelines_share_fewer_slots_than_there_are_of_them(workspace: Workspace, tmp_path: Path) -> None:
    count, held = len(os.sched_getaffinity(0)) + 1, tmp_path / "held"
    code = f"import os, time\nwhile not os.path.exists({str(held)!r}): time.sleep(0.01)"
    steps = [_command(f"step {number}", code) for number in range(6)]
    runs = [Experiment(workspace, f"e{at}").submit(Pipeline(workspace, steps)) for at in range(count)]
    wait_until(lambda: all({"waiting"} != set(states(run).values()) for run in runs))
    held.touch()
    for run in runs:
        run.wait_for_completion(show_output=False, timeout_seconds=240)

    times = [sorted(step.started or 0.0 for step in run.step_infos()) for run in runs]
    assert max(one[0] for one in times) < min(one[-1] for one in times), "one began only when another was through"
