"""The environment that a service of ONNX models runs in, locked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from modelyard.environments.lock import Lock
from modelyard.environments.platforms import running_platform
from modelyard.environments.resolver import Resolver
from modelyard.environments.specification import EnvironmentSpec
from modelyard.environments.uv_program import Uv
from modelyard.settings import Settings

REQUIREMENTS = (
    "gunicorn>=23",
    "httptools>=0.6",
    "msgspec>=0.19",
    "numpy>=1.26",
    "onnxruntime>=1.20",
    "orjson>=3.10",
    "pysimdjson>=7",
    "uvloop>=0.21",
    "zstandard>=0.23",
)
"""What the scoring package needs for ONNX models; a test holds it against the project's extras."""

_AS_CERTIFIED = ("numpy", "onnxruntime")
"""Packages that a model is served with at the versions with which its parity was measured."""


def serving_spec(recorded: Sequence[Lock]) -> EnvironmentSpec:
    """Say what a service needs: the scoring server's packages, and the runtime that the models were proved with.

    Parameters
    ----------
    recorded
        The environment locks of the models that are served.
    """
    found = [package for lock in recorded for name in _AS_CERTIFIED if (package := lock.package(name)) is not None]
    pins = sorted({f"{package.name}=={package.version}" for package in found if package.version})
    return EnvironmentSpec.create(REQUIREMENTS, constraints=pins)


def serving_lock(spec: EnvironmentSpec, settings: Settings) -> Lock:
    """Resolve `spec` for this machine, or find what was resolved before.

    Raises
    ------
    ResolveError
        If there are no packages that fit.
    """
    file = settings.cache / "locks" / f"{spec.digest}-{running_platform()}.json"
    if file.is_file():
        return Lock.from_json(file.read_bytes())
    lock = Resolver(uv=Uv(offline=settings.offline)).lock(spec)
    _write(file, lock.to_json())
    return lock


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(file)
