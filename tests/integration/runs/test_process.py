"""Real processes: what is started ends, whoever dies, and nothing of it stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelyard.compute.detached import start_detached
from modelyard.compute.process import ScriptProcess

STUBBORN = "trap '' TERM; sleep 300 & echo $! > {0}/child; echo $$ > {0}/self; wait; sleep 300"


def _until(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def _number(file: Path) -> int:
    assert _until(lambda: file.exists() and file.read_text().strip() != "")
    return int(file.read_text())


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ScriptProcess]]:
    started: list[ScriptProcess] = []

    def start(line: str, grace: float = 0.3) -> ScriptProcess:
        command = ["sh", "-c", line.format(tmp_path)]
        started.append(
            ScriptProcess(command, folder=tmp_path, environment=dict(os.environ), log=tmp_path / "log", grace=grace)
        )
        return started[-1]

    yield start
    for one in started:
        one.__exit__()


def test_output_and_status_are_kept(start: Callable[..., ScriptProcess], tmp_path: Path) -> None:
    process = start("echo out; echo err >&2; exit 3")

    assert process.wait(60) == 3
    assert (tmp_path / "log").read_text() == "out\nerr\n"


def test_a_program_that_is_not_there_is_said_in_the_log(tmp_path: Path) -> None:
    with ScriptProcess(["/no/program"], folder=tmp_path, environment={}, log=tmp_path / "log") as process:
        assert process.wait(60) == 127
    assert "/no/program cannot be started: No such file" in (tmp_path / "log").read_text()


def test_an_ending_signal_is_told(start: Callable[..., ScriptProcess]) -> None:
    assert start("kill -SEGV $$").wait(60) == -signal.SIGSEGV


def test_a_script_may_clean_up_when_it_is_ended(start: Callable[..., ScriptProcess], tmp_path: Path) -> None:
    process = start("trap 'echo cleaned; exit 5' TERM; echo > {0}/ready; while :; do sleep 0.05; done", grace=20)
    assert _until((tmp_path / "ready").exists)

    process.end()

    assert process.wait(60) == 5
    assert "cleaned" in (tmp_path / "log").read_text()


def test_what_does_not_end_is_killed_with_its_children(start: Callable[..., ScriptProcess], tmp_path: Path) -> None:
    process = start(STUBBORN)
    child, itself = _number(tmp_path / "child"), _number(tmp_path / "self")
    assert process.wait(0.05) is None

    process.end()

    assert process.wait(60) == -signal.SIGKILL
    assert not _runs(child)
    assert not _runs(itself)


def test_what_a_script_leaves_behind_in_another_session_is_ended(
    start: Callable[..., ScriptProcess], tmp_path: Path
) -> None:
    process = start("setsid sh -c 'echo $$ > {0}/child; sleep 300' & while [ ! -s {0}/child ]; do sleep 0.01; done")

    assert process.wait(60) == 0
    assert not _runs(_number(tmp_path / "child"))


def test_the_script_ends_when_its_guard_is_killed(start: Callable[..., ScriptProcess], tmp_path: Path) -> None:
    process = start(STUBBORN)
    _number(tmp_path / "child")
    guard = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])

    os.kill(guard, signal.SIGKILL)

    assert process.wait(60) == -signal.SIGKILL
    assert _until(lambda: not _runs(_number(tmp_path / "child")))


def test_the_script_ends_when_the_process_that_looks_after_it_is_killed(tmp_path: Path) -> None:
    line = STUBBORN.format(tmp_path)
    program = (
        "import os, pathlib, time\nfrom modelyard.compute.process import ScriptProcess\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        f"command = ['sh', '-c', {line!r}]\n"
        "ScriptProcess(command, folder=here, environment=dict(os.environ), log=here / 'log', grace=0.3)\n"
        "time.sleep(300)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as caller:
        child, itself = _number(tmp_path / "child"), _number(tmp_path / "self")
        caller.kill()

    assert _until(lambda: not _runs(child) and not _runs(itself))


def test_a_detached_process_outlives_the_one_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os, pathlib\nfrom modelyard.compute.detached import start_detached\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "line = 'echo started; ps -o sid= -p $$; sleep 300'\n"
        "print(start_detached(['/bin/sh', '-c', line], environment=os.environ, folder=here, log=here / 'log'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    pid = int(done.stdout)
    try:
        assert _until(lambda: "started" in (tmp_path / "log").read_text())
        assert _runs(pid)
        assert os.getsid(pid) != os.getsid(0)
    finally:
        os.killpg(os.getpgid(pid), signal.SIGKILL)


def test_a_program_that_cannot_be_started_detached_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="/no/program is not a program"):
        start_detached(["/no/program"], environment={}, folder=tmp_path, log=tmp_path / "log")
