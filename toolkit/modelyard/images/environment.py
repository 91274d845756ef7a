"""The environment that an image is served in: what its code needs and what the scoring server needs, locked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from modelyard.environments.lock import Lock
from modelyard.environments.platforms import running_platform
from modelyard.environments.progress import Progress, silent
from modelyard.environments.resolver import Resolver
from modelyard.environments.specification import EnvironmentSpec, normalise
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
"""What the scoring server needs for ONNX models; a test holds it against the project's extras."""

_ENGINE = "onnxruntime>=1.20"
_AS_CERTIFIED = ("numpy", "onnxruntime")
"""Packages that a model is served with at the versions with which its parity was measured."""


def serving_spec(recorded: Sequence[Lock]) -> EnvironmentSpec:
    """Say what a service of ONNX models needs: the server's packages, at the versions that the models were proved with.

    Parameters
    ----------
    recorded
        The environment locks of the models that are served.
    """
    found = [package for lock in recorded for name in _AS_CERTIFIED if (package := lock.package(name)) is not None]
    pins = sorted({f"{package.name}=={package.version}" for package in found if package.version})
    return EnvironmentSpec.create(REQUIREMENTS, constraints=pins)


def with_server(own: EnvironmentSpec, locked: Lock, *, onnx: bool) -> EnvironmentSpec:
    """Add what the scoring server needs to the environment of code, every package of which keeps its locked version.

    Parameters
    ----------
    locked
        The lock of `own`, for the platform in question.
    onnx
        Whether the server itself runs ONNX models beside the code.
    """
    needed = [text for text in REQUIREMENTS if onnx or text != _ENGINE]
    pins = [f"{package.name}=={package.version}" for package in locked.packages]
    return structs.replace(
        own,
        requirements=normalise([*own.requirements, *needed]),
        constraints=normalise([*own.constraints, *pins]),
    )


def serving_lock(
    spec: EnvironmentSpec,
    settings: Settings,
    *,
    platform: str | None = None,
    upgrade: bool = False,
    progress: Progress = silent,
) -> Lock:
    """Resolve `spec` for a platform, by default this machine's, or find what was resolved here before.

    Parameters
    ----------
    upgrade
        Resolve anew all the same, and keep that.

    Raises
    ------
    ResolveError
        If there are no packages that fit.
    """
    name = platform or running_platform()
    file = settings.cache / "locks" / f"{spec.digest}-{name}.json"
    if file.is_file() and not upgrade:
        return Lock.from_json(file.read_bytes())
    wheelhouse = settings.cache.absolute() / "environments" / ".wheels"
    resolver = Resolver(uv=Uv(offline=settings.offline), wheelhouse=wheelhouse, progress=progress)
    lock = resolver.lock(spec, platform=name)
    _write(file, lock.to_json())
    return lock


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(file)
