from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard import Experiment, ScriptRunConfig, Workspace
from modelyard.environments.recording import lock_running
from modelyard.errors import InvalidNameError, InvalidValueError, NotFoundError
from modelyard.tracking.errors import SnapshotTooLargeError
from modelyard.tracking.run import RunQuery


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "pack").mkdir(parents=True)
    for name in ("train.py", "evaluate.py", "pack/train_all.py"):
        (folder / name).write_text("print(1)")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.create("tests", path=tmp_path) as workspace:
        yield workspace


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"script": "trian.py"}, NotFoundError, r"'trian\.py'.*There are: train\.py"),
        ({"script": "../source/train.py"}, NotFoundError, "no script"),
        ({"script": "/etc/hostname"}, NotFoundError, "no script"),
        ({"script": None}, InvalidValueError, "give a script with its arguments, or a command"),
        ({"command": "sh"}, InvalidValueError, "give a script with its arguments, or a command"),
        ({"script": None, "command": ""}, InvalidValueError, "not empty"),
        ({"script": None, "command": "sh", "arguments": ["x"]}, InvalidValueError, "holds its arguments itself"),
        ({"compute_target": "cluster"}, NotFoundError, "compute target 'cluster'. There are: local"),
        ({"timeout": 0}, InvalidValueError, "seconds, above 0"),
        ({"arguments": ["${{inputs.data}}"]}, NotFoundError, "no input 'data'"),
        ({"inputs": {"data": "/no/such"}}, InvalidValueError, "no file or folder '/no/such'"),
        ({"inputs": {"../data": "/"}}, InvalidNameError, "cannot be the name of an input"),
        ({"environment_variables": {"A=B": "c"}}, InvalidValueError, "environment variable 'A=B'"),
        ({"environment_variables": {"A": 1}}, InvalidValueError, "name and value are texts"),
        ({"environment": 3}, InvalidValueError, "a specification, a lock, an Environment or its name"),
        ({"environment": "nowhere"}, NotFoundError, "no environment 'nowhere'"),
        ({"environment": lock_running([])}, InvalidValueError, "resolve it"),
        ({"source_directory": "/no/such"}, InvalidValueError, "not a folder"),
        ({"snapshot_limit": 10}, SnapshotTooLargeError, "evaluate.py"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_kept(
    workspace: Workspace, source: Path, given: dict[str, Any], error: type[Exception], said: str
) -> None:
    config = ScriptRunConfig(**({"source_directory": source, "script": "train.py"} | given))
    experiment = Experiment(workspace, "digits")

    with pytest.raises(error, match=f"(?s){said}"):
        experiment.submit(config)

    assert workspace.backend.runs.list(RunQuery()).items == ()
    assert not Path(workspace.location, "blobs").exists()
    assert not Path(workspace.location, "runs").exists()


def test_a_script_that_is_left_out_of_the_snapshot_names_the_ignore_file(workspace: Workspace, source: Path) -> None:
    (source / ".amlignore").write_text("train.py\n")

    with pytest.raises(InvalidValueError, match=r"left out of the snapshot by \.amlignore"):
        ScriptRunConfig(source, "train.py").check()


@pytest.mark.parametrize("script", ["train.py", "./train.py", "pack/train_all.py"])
def test_a_script_is_found_by_its_path(source: Path, script: str) -> None:
    ScriptRunConfig(source, script).check()


def test_an_unknown_keyword_is_named(source: Path) -> None:
    with pytest.raises(TypeError, match="'target'"):
        ScriptRunConfig(source, "train.py", target="local")  # type: ignore[call-arg]
