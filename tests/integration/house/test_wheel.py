"""The wheel, installed in an empty environment outside the checkout."""

import json
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = {"modelyard", "modelyard_scoring", "modelyard_deploy", "modelyard_loadtests"}


def _run(command: list[str], folder: Path, **variables: str) -> str:
    """Run a command as a user would: with nothing of this process's Python or settings."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MODELYARD_", "VIRTUAL_ENV", "COV"))
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "MODELYARD_HOME": str(folder / "home"), **variables},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, with the extras that the README names, at the versions of the lock."""
    extras = re.search(r"modelyard\[([a-z,]+)\]", (ROOT / "README.md").read_text())
    folder = tmp_path_factory.mktemp("environment") / "venv"
    uv = str(Path(sys.executable).with_name("uv"))
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], ROOT)
    wanted = f"{wheel}[{extras[1]}]" if extras else str(wheel)
    _run(
        [uv, "pip", "install", "--quiet", "--constraint", str(ROOT / "requirements.lock"), wanted],
        folder.parent,
        VIRTUAL_ENV=str(folder),
    )
    return folder / "bin"


@pytest.fixture
def scoring(wheel: Path, tmp_path: Path) -> Path:
    """Install the wheel with what serving needs, and nothing else."""
    folder = tmp_path / "venv"
    uv = str(Path(sys.executable).with_name("uv"))
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], ROOT)
    command = [uv, "pip", "install", "--quiet", "--constraint", str(ROOT / "requirements.lock"), f"{wheel}[scoring]"]
    _run(command, tmp_path, VIRTUAL_ENV=str(folder))
    return folder / "bin"


def test_one_command_serves_an_onnx_file(scoring: Path, tmp_path: Path) -> None:
    sides = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2])] for name in "xy"]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", *sides)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "double.onnx").write_bytes(model.SerializeToString())
    address = tmp_path / "address.json"
    command = [str(scoring / "modelyard-score"), "double.onnx", "--port", "0", "--address-file", str(address)]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as server:
        try:
            end = time.monotonic() + 60
            while not address.exists() or not _ready(json.loads(address.read_text())["url"]):
                assert server.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            kind = {"Content-Type": "application/json"}
            request = Request(json.loads(address.read_text())["url"] + "/score", b"[[1, 2], [3, 4.5]]", kind)
            with urlopen(request, timeout=10) as answer:
                assert json.load(answer) == {"y": [[2, 4], [6, 9]]}
        finally:
            server.terminate()
            server.wait(30)


def _ready(url: str) -> bool:
    try:
        with urlopen(url + "/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_wheel_holds_the_four_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == PACKAGES
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "toolkit", "scoring", "deploy", "loadtests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    tracked = {name.split("/", 1)[1] for name in listed.stdout.splitlines() if (ROOT / name).exists()}

    assert tracked - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_installed_command_says_how_it_is_used(installed: Path, tmp_path: Path) -> None:
    said = _run([str(installed / "modelyard"), "--help"], tmp_path)

    assert said.startswith("Usage: modelyard")
    assert "workspace" in said


def test_the_installed_packages_are_not_those_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = _run([str(installed / "python"), "-c", "import modelyard; print(modelyard.__file__)"], tmp_path)

    assert Path(where.strip()).is_relative_to(installed.parent)


@pytest.fixture
def folder(installed: Path, tmp_path: Path) -> Iterator[Path]:
    """Give an empty folder, and end whatever services were deployed from it."""
    yield tmp_path
    modelyard = str(installed / "modelyard")
    for service in json.loads(_run([modelyard, "service", "list", "--json"], tmp_path)):
        _run([modelyard, "service", "delete", service["name"], "--yes"], tmp_path)


def test_the_lines_of_the_readme_run_in_an_empty_folder(installed: Path, folder: Path) -> None:
    block = re.search(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert block, "README.md shows no Python"
    (folder / "readme.py").write_text(block[1])

    _run([str(installed / "python"), "readme.py"], folder)
