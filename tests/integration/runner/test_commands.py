"""Runners that are started on demand, as processes of their own, and the commands for them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from tests.integration.runner.conftest import FULL, Run
from tests.integration.server_process import ServerProcess

from modelyard.errors import RunnerNotStartedError
from modelyard.runner.attendance import Attendance
from modelyard.sdk.runner import ensure_runner
from modelyard.sdk.workspace import Workspace

ROUNDS = 10 if FULL else 4
PLUGIN = """
import os
from pathlib import Path

class Files:
    kind = "files"

    def __init__(self, workspace):
        self.folder = Path(os.environ.get("FILES_FOLDER") or workspace.location) / "wanted"

    def due(self):
        return sorted(file.name for file in self.folder.glob("*"))

    def step(self, key, lease):
        lease.check()
        if key == "bad":
            raise ValueError("it is bad")
        with (self.folder.parent / "done").open("a") as done:
            done.write(f"{key}\\n")
        (self.folder / key).unlink()
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a reconciler of files, for processes that are started from now on."""
    folder = tmp_path / "plugin"
    facts = folder / "files_reconciler-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: files-reconciler\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[modelyard.reconcilers]\nfiles = files_reconciler:Files\n")
    (folder / "files_reconciler.py").write_text(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.fixture
def workspace(plugin: Path, root: Path) -> Iterator[Workspace]:
    """Open a workspace, and end its runner afterwards."""
    (root / "wanted").mkdir()
    with Workspace.open(root) as opened:
        yield opened
    if root.exists():
        Attendance(root).stop()


def _modelyard(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from modelyard.cli.main import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def _until_done(root: Path, *names: str) -> None:
    deadline = time.monotonic() + 90
    done = root / "done"
    while not done.exists() or not set(names) <= set(done.read_text().split()):
        assert time.monotonic() < deadline, (root / "runner.log").read_text()
        time.sleep(0.01)


def _want(root: Path, name: str) -> None:
    (root / "wanted" / name).touch()


def test_work_is_brought_about_by_a_process_that_is_started_for_it(workspace: Workspace, root: Path) -> None:
    _want(root, "a")
    pid = ensure_runner(workspace)
    _until_done(root, "a")
    _want(root, "b")

    assert ensure_runner(workspace) == pid
    _until_done(root, "a", "b")
    assert os.getsid(pid) != os.getsid(0)


def test_of_eight_who_start_one_at_once_all_get_the_same(workspace: Workspace, forks: Run) -> None:
    rounds = [line.split(" | ") for line in forks("starts", ROUNDS, ladders=(), top=0)]

    assert len(rounds) == ROUNDS
    assert all(len(set(told.split())) == 1 and set(told.split()) == {alive} for told, alive in rounds), rounds
    assert all(len(told.split()) == 8 for told, _ in rounds)


def test_a_runner_with_nothing_to_do_ends_and_the_next_is_another(workspace: Workspace, root: Path) -> None:
    first = ensure_runner(workspace, idle=0.1)
    while Attendance(root).find() is not None:
        time.sleep(0.01)
    _want(root, "a")

    assert ensure_runner(workspace) != first
    _until_done(root, "a")


def test_a_killed_runner_is_followed_by_another(workspace: Workspace, root: Path) -> None:
    first = ensure_runner(workspace)
    os.kill(first, signal.SIGKILL)
    while Attendance(root).find() is not None:
        time.sleep(0.01)
    _want(root, "a")

    assert ensure_runner(workspace) != first
    _until_done(root, "a")


def test_what_keeps_a_runner_from_starting_is_said(workspace: Workspace, plugin: Path) -> None:
    (plugin / "files_reconciler.py").write_text("import nothing_of_that_name\n")

    with pytest.raises(RunnerNotStartedError, match="No module named 'nothing_of_that_name'"):
        ensure_runner(workspace)


def test_commands_show_run_and_end_a_runner(workspace: Workspace, root: Path) -> None:
    _want(root, "bad")
    pid = ensure_runner(workspace)
    leases: list[dict[str, object]] = []
    while not leases or not leases[0]["failures"]:
        shown = json.loads(_modelyard("runner", "status", "--json", "-w", str(root)).stdout)
        leases = shown["leases"]

    assert (shown["pid"], shown["kinds"]) == (pid, ["files", "pipeline", "service"])
    assert (leases[0]["key"], leases[0]["reason"]) == ("files:bad", "ValueError: it is bad")
    assert "it is bad" in _modelyard("runner", "status", "-w", str(root)).stdout
    assert "is the runner of" in _modelyard("runner", "run", "-w", str(root)).stderr
    assert f"Would end the runner {pid}" in _modelyard("runner", "stop", "--dry-run", "-w", str(root)).stdout
    assert f"Ended the runner {pid}" in _modelyard("runner", "stop", "-w", str(root)).stdout
    assert "No runner" in _modelyard("runner", "stop", "-w", str(root)).stdout


def test_a_workspace_that_is_deleted_takes_its_runner_along(workspace: Workspace, root: Path) -> None:
    _want(root, "bad")
    pid = ensure_runner(workspace)

    workspace.delete()

    assert not root.exists()
    deadline = time.monotonic() + 90
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_runner_in_the_foreground_ends_when_nothing_is_left(workspace: Workspace, root: Path) -> None:
    _want(root, "a")

    done = _modelyard("runner", "run", "--idle", "0", "-w", str(root))

    assert (done.returncode, (root / "done").read_text()) == (0, "a\n")


def test_a_served_workspace_may_have_several_runners(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILES_FOLDER", str(root))
    for number in range(6):
        _want(root, f"f{number}")
    with ServerProcess(root) as server:
        monkeypatch.setenv("MODELYARD_TOKEN", str(server.token))
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda _: _modelyard("runner", "run", "--idle", "0", "-w", server.url), range(2)))

    assert [one.returncode for one in done] == [0, 0], done
    assert sorted((root / "done").read_text().split()) == [f"f{number}" for number in range(6)]
