"""``make demo``'s program, as a user runs it: once, again, and interrupted."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples/digits/demo.py"
COMMAND = str(Path(sys.executable).with_name("modelyard"))


@pytest.fixture
def environment(tmp_path: Path):
    """Give the demo a home of its own, and end what it has left."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MODELYARD_") or k == "MODELYARD_CACHE"}
    environment["MODELYARD_HOME"] = str(tmp_path / "home")
    yield environment
    _modelyard(tmp_path, environment, "service", "delete", "digits", "--yes")


def _modelyard(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    command = [COMMAND, *arguments, "-w", str(folder / "modelyard-demo")]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=120)
    return done.stdout


def _demo(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(DEMO), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_demo_does_the_main_job(tmp_path: Path, environment: dict[str, str]) -> None:
    told = _demo(tmp_path, environment)

    assert "parity accepted" in told
    assert "revision 2: 25 % of the requests" in told
    assert "Returned. Revision 3 of digits failed in the phase traffic" in told
    assert re.findall(r"revision [12] answered \d+ requests and failed (\d+)", told) == ["0", "0", "0"]
    assert re.search(r"75 %  revision 1  digits:1 .*\n  25 %  revision 2  digits:2 ", told)
    assert (tmp_path / "modelyard-demo/confusion.png").read_bytes().startswith(b"\x89PNG")
    assert int(told.split("The service was right on ")[1].split()[0]) >= 18
    assert _running(tmp_path) == []


def test_missing_mnist_files_are_named(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(DEMO), "--data", "mnist", "--mnist", "nowhere"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "nowhere holds no train-images-idx3-ubyte.gz" in done.stderr


def test_an_interrupted_demo_leaves_nothing_that_runs_and_can_be_run_again_with_mnist(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """MNIST's four files are made here of scikit-learn's digits: the data itself is not ours to carry."""
    making = [sys.executable, str(ROOT / "tests/acceptance/make_idx.py"), str(tmp_path / "mnist")]
    assert subprocess.run(making, check=False, timeout=60).returncode == 0
    for heading in ("Training two models", "Rolling out"):
        _interrupt(tmp_path, environment, heading)
        assert _running(tmp_path) == []

    told = _demo(tmp_path, environment, "--data", "mnist", "--mnist", str(tmp_path / "mnist"), "--keep")

    assert "The service was right on" in told
    assert _running(tmp_path) != []
    assert '"label"' in _modelyard(tmp_path, environment, "service", "score", "digits", "--sample")


def _interrupt(folder: Path, environment: dict[str, str], heading: str) -> None:
    """Run the demo, and end it as a terminal does at Ctrl-C when it prints a heading."""
    command = [sys.executable, "-u", str(DEMO)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, start_new_session=True
    ) as demo:
        assert demo.stdout is not None
        next(line for line in demo.stdout if line.startswith(heading.encode()))
        os.killpg(demo.pid, signal.SIGINT)
        _, err = demo.communicate(timeout=200)
    assert b"Interrupted" in err
    assert b"Traceback" not in err


def _running(folder: Path) -> list[str]:
    """List the processes whose command names the folder."""
    commands = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            commands.append(file.read_bytes().replace(b"\0", b" ").decode())
    return [command for command in commands if str(folder) in command]
