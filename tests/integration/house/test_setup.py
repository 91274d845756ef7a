"""``make setup`` in a copy of the project that has no environment yet, and little to install.

That all of the lock can be installed is shown by whoever runs this test in the environment that ``make setup`` made.
"""

import os
import re
import subprocess
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]


def _make(folder: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]
    subprocess.run(["cp", "--parents", "-t", str(folder), *names], cwd=ROOT, check=True)
    _shorten(folder / "requirements.lock")
    _make(folder, "setup")
    return folder


def _shorten(lock: Path) -> None:
    """Leave in a lock what the project itself needs, without its extras, and what installs it."""
    needed: set[str] = set()
    todo = ["modelyard", "hatchling", "uv"]
    while todo:
        needed.add(name := canonicalize_name(todo.pop()))
        found = [Requirement(text) for text in requires(name) or ()]
        wanted = [one.name for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]
        todo += [name for name in wanted if canonicalize_name(name) not in needed]
    blocks = re.split(r"^(?=\S)", lock.read_text(), flags=re.MULTILINE)
    kept = [block for block in blocks if canonicalize_name(re.split(r"[ =\[]", block)[0]) in needed]
    assert {"click", "uv"} < {block.partition("==")[0] for block in kept}
    lock.write_text("".join(kept))


def test_setup_makes_an_environment_that_runs_the_command(copy: Path) -> None:
    said = subprocess.run([copy / ".venv/bin/modelyard", "--version"], capture_output=True, text=True, check=True)

    assert said.stdout.startswith("modelyard")


def test_setup_installs_the_copy_and_not_a_snapshot_of_it(copy: Path) -> None:
    where = subprocess.run(
        [copy / ".venv/bin/python", "-c", "import modelyard; print(modelyard.__file__)"],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )

    assert where.stdout.strip() == str(copy / "toolkit/modelyard/__init__.py")


def test_setup_compiles_what_it_installs_whatever_the_shell_says(copy: Path) -> None:
    assert list(copy.glob(".venv/lib/python*/site-packages/click/__pycache__/*.pyc"))


def test_setup_again_does_nothing(copy: Path) -> None:
    stamp = copy / ".venv/setup.sha256"
    before = stamp.stat().st_mtime_ns

    assert _make(copy, "setup") == ""
    assert stamp.stat().st_mtime_ns == before


def test_setup_without_a_python_says_how_to_name_one(copy: Path) -> None:
    (copy / ".venv/setup.sha256").unlink()
    (copy / ".venv/bin/python").unlink()

    done = subprocess.run(
        ["make", "setup", "PYTHON=no-such-python"], cwd=copy, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "no Python 3.11 or newer among: no-such-python" in done.stderr
