"""``make demo``'s program, as a user runs it: once, again, and interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelyard.sdk.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples/digits/demo.py"
COMMAND = str(Path(sys.executable).with_name("modelyard"))


@pytest.fixture
def environment(tmp_path: Path):
    """Give the demo a home of its own, and end what it deployed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MODELYARD_")}
    environment["MODELYARD_HOME"] = str(tmp_path / "home")
    yield environment
    folder = str(tmp_path / "modelyard-demo")
    deleting = [COMMAND, "service", "delete", "digits", "--yes", "-w", folder]
    subprocess.run(deleting, env=environment, check=False, capture_output=True, timeout=60)


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


def test_the_demo_does_the_main_job_and_does_it_again(tmp_path: Path, environment: dict[str, str]) -> None:
    first = _demo(tmp_path, environment)

    assert "parity accepted" in first
    assert "Confusion matrix" in first
    assert (tmp_path / "modelyard-demo/confusion.png").read_bytes().startswith(b"\x89PNG")
    right = int(first.split("The service was right on ")[1].split()[0])
    assert right >= 18

    second = _demo(tmp_path, environment)

    assert "digits:2 (champion)" in second
    with Workspace.open(tmp_path / "modelyard-demo") as workspace:
        (experiment,) = workspace.experiments.values()
        assert [run.status for run in experiment.get_runs()] == ["Completed"] * 4
        assert [s.revision.number for s in workspace.webservices.values()] == [2]


def test_the_demo_uses_mnist_from_a_folder(tmp_path: Path, environment: dict[str, str]) -> None:
    """The four files are made here, in MNIST's form, of scikit-learn's digits: the data itself is not ours to carry."""
    made = subprocess.run(
        [sys.executable, str(ROOT / "tests/acceptance/make_idx.py"), str(tmp_path / "mnist")], check=False, timeout=60
    )
    assert made.returncode == 0

    assert "parity accepted" in _demo(tmp_path, environment, "--data", "mnist", "--mnist", str(tmp_path / "mnist"))


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


@pytest.mark.parametrize("seconds", [1.5, 4.0, 8.0])
def test_an_interrupted_demo_leaves_a_workspace_that_works(
    seconds: float, tmp_path: Path, environment: dict[str, str]
) -> None:
    demo = subprocess.Popen(
        [sys.executable, str(DEMO)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    time.sleep(seconds)
    os.killpg(demo.pid, signal.SIGINT)  # as a terminal does at Ctrl-C
    _, err = demo.communicate(timeout=120)

    assert b"Traceback" not in err
    assert "The service was right on" in _demo(tmp_path, environment)
