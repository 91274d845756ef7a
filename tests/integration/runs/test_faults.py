"""What happens to submitted runs that are canceled, take too long, or lose the process that looks after them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard import Experiment, Run, ScriptRunConfig, Workspace
from modelyard.errors import RunFailedError
from modelyard.sdk.run.logs import STANDARD
from modelyard.sdk.run.script import run_folder
from modelyard.sdk.run.supervisor import PROCESS

Source = Callable[..., Path]
Until = Callable[[Callable[[], bool]], None]

SLOW = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
open("outputs/half", "w").write("x")
print("child", child.pid, flush=True)
time.sleep(300)
"""


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def slow(experiment: Experiment, source: Source) -> Iterator[Run]:
    run = experiment.submit(ScriptRunConfig(source(SLOW), "train.py"))
    yield run
    if run.status not in {"Completed", "Failed", "Canceled"}:
        run.cancel()


@pytest.fixture
def child(slow: Run, until: Until) -> int:
    """Wait until the slow script has started a process of its own, and give that."""

    def words() -> list[str]:
        return slow.get_logs().get(STANDARD, "").split()

    until(lambda: words()[:1] == ["child"] and slow.status == "Running")
    return int(words()[1])


def test_a_canceled_run_ends_with_all_its_processes(slow: Run, child: int) -> None:
    slow.cancel()
    details = slow.wait_for_completion(raise_on_error=False)

    assert details["status"] == "Canceled"
    assert not _runs(child)
    assert "outputs/half" in slow.get_file_names()


def test_a_run_is_canceled_before_its_script_has_started(experiment: Experiment, source: Source) -> None:
    run = experiment.submit(ScriptRunConfig(source(SLOW), "train.py"))

    run.cancel()

    assert run.wait_for_completion(raise_on_error=False)["status"] == "Canceled"


def test_a_run_that_takes_too_long_fails(embedded: Workspace, source: Source) -> None:
    run = Experiment(embedded, "digits").submit(ScriptRunConfig(source(SLOW), "train.py", timeout=0.5))

    with pytest.raises(RunFailedError, match=r"longer than its timeout of 0\.5 s"):
        run.wait_for_completion()


def test_a_script_ends_when_its_supervisor_is_killed_and_the_run_falls_silent(
    slow: Run, child: int, until: Until
) -> None:
    os.kill(_supervisor(slow), signal.SIGKILL)

    until(lambda: not _runs(child))
    _fall_silent(slow)
    assert slow.status == "NotResponding"
    slow.cancel()
    assert slow.status == "Canceled"


def test_a_supervisor_that_is_told_to_end_says_so(slow: Run, child: int) -> None:
    os.kill(_supervisor(slow), signal.SIGTERM)

    with pytest.raises(RunFailedError, match="told to end"):
        slow.wait_for_completion()
    assert not _runs(child)


def test_a_run_outlives_the_shell_that_submitted_it(embedded: Workspace, source: Source, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    folder = source(
        "import pathlib, time\nprint('began')\n"
        f"while not pathlib.Path({str(go_on)!r}).exists(): time.sleep(0.02)\nprint('went on')"
    )
    program = (
        "import os, signal\nfrom modelyard import Experiment, ScriptRunConfig, Workspace\n"
        f"workspace = Workspace.open({embedded.location!r})\n"
        f"run = Experiment(workspace, 'digits').submit(ScriptRunConfig({str(folder)!r}, 'train.py'))\n"
        "print(run.id, flush=True)\nos.killpg(0, signal.SIGHUP)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, start_new_session=True
    )
    assert done.returncode == -signal.SIGHUP
    go_on.touch()

    run = Run.get(embedded, done.stdout.strip())
    run.wait_for_completion()

    assert run.get_logs()[STANDARD] == "began\nwent on\n"


def test_a_server_that_is_away_when_the_script_ends_loses_nothing(
    served: Workspace, server: Any, source: Source, tmp_path: Path, until: Until
) -> None:
    go_on, done = tmp_path / "go-on", tmp_path / "done"
    folder = source(
        "import pathlib, time\nprint('first')\n"
        f"while not pathlib.Path({str(go_on)!r}).exists(): time.sleep(0.02)\n"
        f"open('outputs/model', 'w').write('x')\nprint('last')\npathlib.Path({str(done)!r}).touch()"
    )
    run = Experiment(served, "digits").submit(ScriptRunConfig(folder, "train.py"))
    until(lambda: run.status == "Running" and "first" in run.get_logs().get(STANDARD, ""))

    server.stop()
    go_on.touch()
    until(done.exists)
    server.start()
    run.wait_for_completion()

    assert run.get_logs()[STANDARD] == "first\nlast\n"
    assert "outputs/model" in run.get_file_names()


def test_a_run_whose_supervisor_never_starts_falls_silent(
    embedded: Workspace, source: Source, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_OFFLINE", "perhaps")  # which no program of ours accepts
    run = Experiment(embedded, "digits").submit(ScriptRunConfig(source(), "train.py"))

    _fall_silent(run)

    assert run.status == "NotResponding"
    log = run_folder(embedded, run.id) / "supervisor.log"
    until(lambda: "MODELYARD_OFFLINE" in log.read_text())


def test_a_damaged_snapshot_fails_the_run(embedded: Workspace, source: Source) -> None:
    first = Experiment(embedded, "digits").submit(ScriptRunConfig(source("print('once')"), "train.py"))
    first.wait_for_completion()
    tree = embedded.backend.trees.get(first.info.digests["snapshot"])
    blob = Path(embedded.location, "blobs")
    kept = next(blob.rglob(tree.files["train.py"].sha256))
    kept.write_bytes(b"print('evil')")

    again = Experiment(embedded, "digits").submit(ScriptRunConfig(source("print('once')"), "train.py"))

    with pytest.raises(RunFailedError, match=r"train\.py is damaged"):
        again.wait_for_completion()


def _supervisor(run: Run) -> int:
    return int((run_folder(run.workspace, run.id) / PROCESS).read_text())


def _fall_silent(run: Run) -> None:
    """Let the time pass after which a silent run reads as one: by moving its last sign of life into the past."""
    root = next(path for path in (Path(run.workspace.location), _served_root(run)) if path.is_dir())
    import sqlite3

    with sqlite3.connect(root / "modelyard.db") as connection:
        connection.execute("UPDATE run SET last_heartbeat = last_heartbeat - 3600 WHERE id = ?", (run.id,))
    connection.close()


def _served_root(run: Run) -> Path:
    return run.workspace.settings.cache.parent / "served" / ".modelyard"
