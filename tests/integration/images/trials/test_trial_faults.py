"""Code that hangs, crashes, takes all memory or means harm ends with its trial, and is told apart."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.integration.images.trials.conftest import ROOT, SERVER

RUN = 'def run(data):\n    return {"y": 2}\n'


def of_these(mark):
    """List the processes that have `mark` in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "cmdline").read_bytes() and folder.name != str(os.getpid()):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def hanging(try_code, source, phase, **code):
    """Try code that hangs, on a machine that takes long to get there once more with more time."""
    report = try_code(source, seconds=3.0, **code)
    return report if report.failure.phase == phase else try_code(source, seconds=20.0, **code)


@pytest.mark.parametrize(
    ("source", "phase"),
    [
        ("import time\ntime.sleep(60)\n" + RUN, "import"),
        ("def init():\n    while True: pass\n" + RUN, "init"),
        ("import time\ndef run(data):\n    time.sleep(60)\n", "warm-up"),
    ],
)
def test_code_that_hangs_is_ended_and_says_where_it_was(try_code, source, phase):
    report = hanging(try_code, source, phase)

    assert (report.failure.type, report.failure.phase) == ("TimeoutError", phase), report.text
    assert "score.py" in report.failure.traceback
    assert report.touched is not None


def test_an_application_that_hangs_is_ended_and_says_where_it_was(try_code):
    report = hanging(try_code, "import time\ntime.sleep(60)\n", "import", application="score:application")

    assert (report.failure.type, report.failure.phase) == ("TimeoutError", "import")
    assert 'score.py", line 2' in report.failure.traceback


@pytest.mark.parametrize("application", [{}, {"application": "score:application"}])
def test_code_that_takes_too_much_memory_is_ended_with_limit_and_peak(try_code, application):
    source = "import time\nkept = []\nwhile True:\n    kept.append(bytearray(2**23))\n    time.sleep(0.01)\n"

    report = try_code(source, memory=300 * 2**20, **application)

    assert (report.failure.type, report.failure.phase) == ("OutOfMemory", "import"), report.text
    assert "with a limit of 300 MiB" in report.failure.message
    assert "137" in report.failure.meaning
    assert report.peak_memory > 300 * 2**20


def test_memory_that_processes_share_counts_once(try_code):
    source = f"""
import os, time
kept = bytearray(2**27)
pids = []
for _ in range(4):
    pids.append(os.fork())
    if pids[-1] == 0:
        time.sleep(1)
        os._exit(0)
for pid in pids:
    os.waitpid(pid, 0)
{RUN}"""

    report = try_code(source, memory=400 * 2**20)

    assert report.passed, report.text


def test_numpy_that_refuses_too_much_memory_is_out_of_memory(try_code):
    report = try_code("def init():\n    raise MemoryError()\n" + RUN)

    assert (report.failure.type, report.failure.phase) == ("OutOfMemory", "init")


@pytest.mark.parametrize(
    ("end", "meaning", "said"),
    [
        ("os._exit(7)", "status 7", "os._exit"),
        ("ctypes.string_at(0)", "SIGSEGV", "compiled code"),
        ("os.kill(os.getpid(), signal.SIGILL)", "SIGILL", "processor lacks"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL", "Something else killed it"),
        ("os.abort()", "SIGABRT", "end of the log"),
    ],
)
def test_code_that_ends_the_process_is_told_apart(try_code, end, meaning, said):
    report = try_code(f"import ctypes, os, signal\ndef init():\n    {end}\n{RUN}", memory=2**30)

    assert report.failure.phase == "init"
    assert meaning in report.failure.meaning
    assert said in report.failure.hint


LEAVES = """
import os, signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", {mark!r}], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
        os.execv(sys.executable, [sys.executable, "-c", code, {mark!r}])
    os._exit(0)
"""


def test_processes_that_code_leaves_behind_are_ended(try_code):
    mark = f"left-behind-{os.getpid()}"

    report = try_code(LEAVES.format(mark=mark) + RUN)

    assert report.passed, report.text
    assert of_these(mark) == []


def test_output_is_bounded_and_its_end_kept(try_code):
    source = f"""
import os
def init():
    for _ in range(1600):
        os.write(2, b"x" * 65535 + b"\\n")
    os.write(2, b"the end\\n")
{RUN}"""

    report = try_code(source)

    assert report.passed, report.text
    assert len(report.log) <= 65_536
    assert "the end" in report.log


def test_a_million_files_do_not_make_a_large_report(try_code, tmp_path):
    count = 1_000_000 if os.environ.get("MODELYARD_FULL") else 50_000
    source = f"""
def init():
    for number in range({count}):
        try:
            open(f"/nowhere/{{number}}", "w")
        except OSError:
            pass
{RUN}"""

    report = try_code(source)

    assert report.passed, report.text
    assert len(report.to_json()) < 500_000
    assert report.touched.left_out["written"] > count // 4


def test_forged_documents_do_not_make_code_pass(try_code):
    source = """
import os
from pathlib import Path
place = Path(os.environ["MODELYARD_NOTES"]).parent
(place / "touched.json").write_text('{"imported": []}')
(place / "failure.json").write_text('{"phase": "x"}')
with open(os.environ["MODELYARD_NOTES"], "ab") as notes:
    notes.write(b"end\\0passed\\n")
os._exit(0)
"""

    report = try_code(source)

    assert (report.failure.phase, report.failure.exit_status) == ("import", 0)
    assert report.touched is not None


INTERRUPTED = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}]
from tests.integration.images.trials.conftest import Limits, declared, try_out
try_out(Path({folder!r}), python=Path(sys.executable), server=Path({server!r}), declared=declared(),
        limits=Limits(seconds=60), say=print)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_caller_that_is_interrupted_leaves_no_process(folder, tmp_path, how):
    mark = f"interrupted-{os.getpid()}-{how}"
    source = LEAVES.format(mark=mark) + f"open({str(tmp_path / 'begun')!r}, 'w').close()\ntime.sleep(60)\n"
    program = INTERRUPTED.format(root=str(ROOT), folder=str(folder(source)), server=str(SERVER))
    caller = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until((tmp_path / "begun").exists)
    assert of_these(mark) != []

    caller.send_signal(how)
    caller.wait(90)

    wait_until(lambda: not of_these(mark) and not of_these(str(tmp_path / "folder")))


def wait_until(so, seconds=90.0):
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end
        time.sleep(0.05)
