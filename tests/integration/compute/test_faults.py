"""Jobs whose guards, or whoever starts them, are killed at any moment, and disks that are full."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from tests.contract.compute.jobs import PATIENCE, Jobs
from tests.integration.services.clients import wait_until

from modelyard.compute import guards
from modelyard.compute.job import Job
from modelyard.compute.local import LocalCompute
from modelyard.compute.program import program
from modelyard.compute.target import JobState
from modelyard.errors import StorageFullError

KILLED_AT = """
import os, sys
left = [{number}]
def hook(event, arguments):
    if event in ("open", "fcntl.flock", "os.fork", "os.exec", "os.rename", "os.truncate", "os.listdir", "os.kill"):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), 9)
"""


def _guards(place: Path) -> list[psutil.Process]:
    """Find the guards of a place: the one that leads the job, and the one behind it."""
    pids = _holders(place)
    return sorted(map(psutil.Process, pids), key=lambda one: one.ppid() not in pids)


def _holders(place: Path) -> set[int]:
    """Name the processes that hold the state of a place open."""
    return {pid for pid in psutil.pids() if _holds(pid, place / "state")}


def _holds(pid: int, file: Path) -> bool:
    try:
        return any(link.readlink() == file for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it has ended
        return False


def _once(jobs: Jobs, **changed: object) -> Job:
    return jobs.job("import sys; open(sys.argv[1], 'a').write('x')", str(jobs.base / "effect"), **changed)


def _effects(jobs: Jobs) -> int:
    effect = jobs.base / "effect"
    count = len(effect.read_text()) if effect.exists() else 0
    effect.unlink(missing_ok=True)
    return count


def test_a_job_whose_guard_is_killed_is_lost_and_nothing_of_it_runs(jobs: Jobs) -> None:
    hides = "subprocess.Popen(['env', '-i', 'setsid', 'sleep', '600'])"
    place = jobs.start(jobs.job(f"import subprocess, time; {hides}; print('up'); time.sleep(600)"))
    jobs.wait_for_line(place, "up")
    children = _guards(place)[1].children(recursive=True)
    _guards(place)[0].kill()

    assert jobs.ended(place) == JobState(state="lost")
    assert len(children) >= 3
    assert not [one for one in children if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    jobs.compute.clear(place)
    assert jobs.compute.observe(place).state == "absent"


def test_a_job_goes_on_when_the_process_behind_its_guard_is_killed(jobs: Jobs) -> None:
    go = jobs.base / "go"
    os.mkfifo(go)
    place = jobs.start(jobs.job("import sys; print('up'); open(sys.argv[1]).read(); print('end')", str(go)))
    jobs.wait_for_line(place, "up")
    _guards(place)[1].kill()
    assert jobs.compute.observe(place).state == "running"
    go.write_text("")

    assert jobs.ended(place) == JobState(state="ended", exit_status=0)


def test_jobs_start_after_the_process_that_starts_guards_was_killed(jobs: Jobs) -> None:
    assert jobs.run("")[0].exit_status == 0
    (loaded,) = [one for one in psutil.Process().children() if any("job_guard" in word for word in one.cmdline())]
    loaded.kill()

    assert jobs.run("")[0].exit_status == 0


def test_a_job_has_its_effect_once_wherever_whoever_starts_it_is_killed(jobs: Jobs) -> None:
    job, killed, number = _once(jobs, outputs={"made": True}), 0, 1
    while _start_and_die_at(number, jobs, job, place := jobs.place()):
        jobs.start(job, place)
        assert jobs.ended(place).exit_status == 0
        assert _effects(jobs) == 1
        killed, number = killed + 1, number + 1

    assert killed >= 20


def _start_and_die_at(number: int, jobs: Jobs, job: Job, place: Path) -> bool:
    """Start a job in a process that is killed at an event of its own; say whether it came to that."""
    if (child := os.fork()) == 0:
        left = [number]

        def hook(event: str, _arguments: object) -> None:
            if event.split(".", maxsplit=1)[0] in ("open", "os", "subprocess", "shutil", "fcntl"):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        LocalCompute().start(job, place, jobs.trees)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_job_has_its_effect_at_most_once_wherever_its_guards_are_killed(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, seen = _once(jobs), []
    for number in range(1, 25):
        place = jobs.place()
        monkeypatch.setattr(guards, "program", lambda *words, number=number: _killed_at(number, *words))
        with suppress(OSError):
            LocalCompute().start(job, place, jobs.trees)
        monkeypatch.undo()
        wait_until(lambda place=place: not _holders(place), PATIENCE)
        seen.append(jobs.compute.observe(place).state)
        jobs.start(job, place)
        state = jobs.ended(place)
        assert _effects(jobs) in ({1} if state.exit_status == 0 else {0, 1})

    assert set(seen) == {"absent", "lost", "ended"}


def _killed_at(number: int, *words: str) -> list[str]:
    command = program(*words)
    at = command.index("-c") + 1
    command[at] = KILLED_AT.format(number=number) + command[at].replace("main()\n", "sys.addaudithook(hook)\nmain()\n")
    return command


@pytest.fixture
def small(jobs: Jobs) -> Iterator[Path]:
    """Give a folder on a disk of a few MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = jobs.base / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield folder
    wait_until(
        lambda: subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0, PATIENCE
    )


FILLS = """
import os, sys
file = open("large", "wb", buffering=0)
try:
    while file.write(bytes(1 << 12)):
        pass
except OSError:
    os.write(1, b"full " * 30_000)
    sys.exit(7)
"""


def test_a_job_that_fills_the_disk_ends_as_it_ends(jobs: Jobs, small: Path) -> None:
    place = small / "place"
    jobs.start(jobs.job(FILLS), place)

    assert jobs.ended(place) == JobState(state="ended", exit_status=7)
    jobs.compute.clear(place)
    assert jobs.compute.observe(place).state == "absent"


def test_a_job_is_not_started_on_a_full_disk_and_is_when_there_is_room(jobs: Jobs, small: Path) -> None:
    place = small / "place"
    with suppress(OSError):
        (small / "large").write_bytes(bytes(3 << 20))
    with pytest.raises(StorageFullError):
        jobs.start(_once(jobs), place)
    assert jobs.compute.observe(place).state == "absent"

    (small / "large").unlink()
    jobs.start(_once(jobs), place)
    assert jobs.ended(place).exit_status == 0
    assert _effects(jobs) == 1
