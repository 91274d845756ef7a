"""The scoring package by itself, so that a service's environment sees it and nothing else of Modelyard."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from modelyard.errors import MissingExtraError

NAME = "modelyard_scoring"


def scoring_package(cache: Path) -> Path:
    """Return a folder for ``PYTHONPATH`` that holds just the scoring package, copied there once by its content.

    Raises
    ------
    MissingExtraError
        If the scoring package is not installed here.
    """
    found = find_spec(NAME)
    if found is None or found.origin is None:
        raise MissingExtraError(NAME, "scoring")
    source = Path(found.origin).parent
    target = cache / "scoring" / _digest(source)
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=target.parent, prefix=".part-"))
        shutil.copytree(source, part / NAME, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            part.rename(target)
        except OSError:  # another process was first
            shutil.rmtree(part)
    os.utime(target)
    return target


def _digest(source: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(source.rglob("*.py")):
        digest.update(f"{file.relative_to(source)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
