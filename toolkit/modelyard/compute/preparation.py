"""From a job to what can be started: the code and the inputs in a folder, the environment made."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.metadata import requires
from pathlib import Path

from msgspec import Struct
from packaging.requirements import Requirement

from modelyard.compute.job import Job, fill_in
from modelyard.compute.outputs import FOLDERS
from modelyard.environments.cache import EnvironmentCache
from modelyard.environments.lock import Lock
from modelyard.environments.uv_program import Uv
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Tree, materialise
from modelyard.tracking.snapshot import restore

CODE = "code"
"""The folder, below that of the run, which the script runs in."""

OUTPUTS = "outputs"
"""The folder, below that of the run, which the outputs that a job declares are in."""

_INPUTS = "inputs"
_PACKAGE = Path(__file__).resolve().parent.parent
_OLDEST_PYTHON = (3, 11)
_NOT_FOR_SCRIPTS = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"})
"""What the submitting shell's Python is told, and another interpreter must not hear."""


class Trees:
    """Where a job's trees come from.

    Parameters
    ----------
    get
        Reads a tree by its digest.
    """

    def __init__(self, get: Callable[[str], Tree], blobs: Blobs) -> None:
        self.get = get
        self.blobs = blobs


class Prepared(Struct, frozen=True, kw_only=True):
    """A command that can be started in `folder`, with the tree that was put there."""

    command: tuple[str, ...]
    folder: Path
    environment: dict[str, str]
    snapshot: Tree


def prepare(job: Job, folder: Path, trees: Trees, progress: Callable[[str], None]) -> Prepared:
    """Write the code and the inputs of `job` below `folder`, make room for its outputs, and make its environment.

    Parameters
    ----------
    progress
        Told what is being done to the environment.

    Raises
    ------
    InstallError
        If the environment cannot be made.
    DigestMismatchError
        If a blob is damaged.
    """
    code = folder / CODE
    snapshot = trees.get(job.snapshot) if job.snapshot else Tree(entries=())
    restore(snapshot, trees.blobs, code)
    for name in FOLDERS:
        (code / name).mkdir(exist_ok=True)
    inputs = {name: _input(folder / _INPUTS / name, *given, trees) for name, given in job.inputs.items()}
    outputs = {name: _output(folder / OUTPUTS / name, is_directory) for name, is_directory in job.outputs.items()}
    python = _interpreter(job, progress)
    return Prepared(
        command=tuple(job.argv(python, inputs, outputs)),
        folder=code,
        environment=_environment(job, python, _toolkit(job.lock, folder)) | _variables(job, inputs, outputs),
        snapshot=snapshot,
    )


def _input(folder: Path, digest: str, path: str, trees: Trees) -> Path:
    materialise(trees.get(digest), trees.blobs, folder)
    return folder / path if path else folder


def _output(path: Path, is_directory: bool | None) -> Path:
    (path if is_directory else path.parent).mkdir(parents=True, exist_ok=True)
    return path


def _interpreter(job: Job, progress: Callable[[str], None]) -> Path:
    if job.lock is None:
        return Path(job.python)
    cache = EnvironmentCache(Path(job.cache) / "environments", uv=Uv(offline=job.offline))
    return cache.realise(job.lock, progress=progress) / "bin" / "python"


def _environment(job: Job, python: Path, toolkit: Path | None) -> dict[str, str]:
    """Say what the script finds in its environment of what was there on submission, and of its interpreter's."""
    own = job.lock is not None
    given = {name: value for name, value in os.environ.items() if not (own and name in _NOT_FOR_SCRIPTS)}
    if own:
        given["VIRTUAL_ENV"] = str(python.parent.parent)
        given |= {variable.name: variable.value for variable in job.lock.variables} if job.lock else {}
    given["PATH"] = os.pathsep.join([str(python.parent), given.get("PATH", os.defpath)])
    if toolkit is not None:
        given["PYTHONPATH"] = str(toolkit)
    return given


def _variables(job: Job, inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> dict[str, str]:
    """Say what a job's script finds in its environment besides: its own variables, and what it is about."""
    paths = {f"AZURE_ML_INPUT_{name}": path for name, path in inputs.items()}
    paths |= {f"AZURE_ML_OUTPUT_{name}": path for name, path in outputs.items()}
    paths |= {f"AZUREML_DATAREFERENCE_{name}": path for name, path in {**inputs, **outputs}.items()}
    return {
        **{name: str(path) for name, path in paths.items()},
        "PYTHONUNBUFFERED": "1",
        **dict(zip(job.variables, fill_in(job.variables.values(), inputs, outputs), strict=True)),
        "MODELYARD_WORKSPACE": job.workspace,
        "MODELYARD_RUN": job.run,
        "AZUREML_RUN_ID": job.run,
    }


def _toolkit(lock: Lock | None, folder: Path) -> Path | None:
    """Give a folder to look for this package in, if the environment has all that it needs but not the package."""
    if lock is None or lock.package("modelyard") is not None:
        return None
    if tuple(int(part) for part in lock.python.split(".")) < _OLDEST_PYTHON:
        return None
    needed = [Requirement(text) for text in requires("modelyard") or ()]
    names = [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    if any(lock.package(name) is None for name in names):
        return None
    (folder / "toolkit").mkdir()
    (folder / "toolkit" / "modelyard").symlink_to(_PACKAGE)  # alone: its neighbours are not for that environment
    return folder / "toolkit"
