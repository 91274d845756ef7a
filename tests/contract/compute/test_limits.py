"""What a job may not do, on every compute target: go on, hide, fill the disk or the memory."""

from pathlib import Path

import pytest
from tests.contract.compute.jobs import Jobs

from modelyard.compute.target import JobState

HIDES = """
import os, signal, subprocess, sys, time
def hidden():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print(os.getpid(), file=open(sys.argv[1], "a"))
            while True:
                time.sleep(600)
        os._exit(0)
open(sys.argv[1], "w")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
hidden()
hidden()
subprocess.Popen(["env", "-i", "setsid", "sleep", "600"])
while len(open(sys.argv[1]).read().split()) < 2:
    time.sleep(0.01)
print("up")
if len(sys.argv) == 2:
    time.sleep(600)
"""


def _left(pids: Path) -> list[str]:
    return [pid for pid in pids.read_text().split() if Path("/proc", pid).exists()]


def test_all_of_a_job_ends_when_it_is_asked_to(jobs: Jobs) -> None:
    pids = jobs.base / "pids"
    place = jobs.start(jobs.job(HIDES, str(pids)))
    jobs.wait_for_line(place, "up")
    jobs.compute.end(place)

    assert jobs.ended(place) == JobState(state="ended", exit_status=-9, detail="canceled")
    assert _left(pids) == []


def test_what_a_job_leaves_behind_ends_with_it(jobs: Jobs) -> None:
    pids = jobs.base / "pids"
    state, log = jobs.run(HIDES, str(pids), "ends")

    assert (state, log) == (JobState(state="ended", exit_status=0), "up\n")
    assert _left(pids) == []


def test_a_job_that_takes_too_long_is_ended(jobs: Jobs) -> None:
    state, _ = jobs.run("import time; time.sleep(600)", timeout=0.1)

    assert state == JobState(state="ended", exit_status=-15, detail="timeout")


def test_of_a_long_log_the_beginning_and_the_end_are_kept(jobs: Jobs) -> None:
    state, log = jobs.run("for n in range(300_000): print(f'line {n:06}')")

    lines = log.splitlines()
    assert state.exit_status == 0
    assert (lines[0], lines[-1]) == ("line 000000", "line 299999")
    assert len(log) < 40_000
    (told,) = [line for line in lines if "only the beginning and the end are kept" in line]
    assert int(told.split()[1]) + len(log) == 300_000 * 12 + len(f"\n{told}\n")


def test_output_that_is_no_text_is_kept_as_it_is(jobs: Jobs) -> None:
    place = jobs.start(jobs.job(r"import os; os.write(1, b'\xff\x00\xfe'); os.write(2, b'\xc3')"))
    jobs.ended(place)

    assert jobs.compute.log(place).read_bytes() == b"\xff\x00\xfe\xc3"


def test_a_job_that_uses_more_memory_than_it_may_ends_and_says_so(jobs: Jobs) -> None:
    state, log = jobs.run("x = bytearray(512 << 20)", memory=128 << 20, cpu=0.5)
    if "not limited" in log:
        pytest.skip(log)

    assert state == JobState(state="ended", exit_status=-9, detail="memory")
    _, log = jobs.run("print(len(bytearray(16 << 20)))", memory=128 << 20)
    assert log == f"{16 << 20}\n"
