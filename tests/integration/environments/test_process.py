import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelyard.environments.process import run

# The command starts a child of its own, which writes its process id and waits.
FAMILY = 'sh -c \'echo $$ > "$0"; exec sleep 600\' "$0" & wait'
CALLER = """
import os, sys
from pathlib import Path
from modelyard.environments.process import run
run(sys.argv[1:], timeout=600, environment=os.environ, folder=Path("/"))
"""


@pytest.fixture
def family(tmp_path):
    """Give a command with a child, and where that child writes its process id."""
    told = tmp_path / "pid"
    return ["/bin/sh", "-c", FAMILY, str(told)], told


def until(condition):
    deadline = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def grandchild(told):
    return int(until(lambda: told.exists() and told.read_text()))


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_output_and_status_are_returned(tmp_path):
    code = "import os, sys; print(os.getcwd()); print(os.environ['A'], file=sys.stderr); sys.exit(3)"
    finished = run([sys.executable, "-c", code], timeout=60, environment={"A": "b"}, folder=tmp_path)
    assert (finished.status, finished.stdout.strip(), finished.stderr.strip()) == (3, str(tmp_path), "b")


def test_a_program_that_is_not_there_fails(tmp_path):
    assert run(["/no/such/program"], timeout=60, environment={}, folder=tmp_path).status != 0


def test_after_its_time_a_program_and_its_children_are_killed(family, tmp_path):
    command, told = family
    with pytest.raises(TimeoutError, match="more than 2 s"):
        run(command, timeout=2, environment=os.environ, folder=tmp_path)
    assert until(lambda: gone(grandchild(told)))


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_when_the_caller_dies_the_program_and_its_children_do(family, sign):
    command, told = family
    caller = subprocess.Popen([sys.executable, "-c", CALLER, *command], stderr=subprocess.DEVNULL)
    pid = grandchild(told)
    caller.send_signal(sign)
    caller.wait(timeout=60)
    assert until(lambda: gone(pid))
