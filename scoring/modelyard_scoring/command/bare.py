"""An ``.onnx`` file on its own, as the service that a model folder would say.

What the model takes and gives is found out by `inspection`, in a process of its own: onnxruntime has threads, which
would not survive the forks that make workers.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from modelyard_scoring.errors import FolderError, StartError
from modelyard_scoring.service.folder import Service

_TIMEOUT = 600


def read_file(file: Path) -> Service:
    """Find out how an ONNX model is served.

    It has the name of its file and the version 1. Its sample is a made-up row and what the model answers to it, so
    that the warm-up tries whether requests may be joined, and takes the time of a run.

    Raises
    ------
    FolderError
        If there is no such file.
    StartError
        If it cannot be opened, or its inputs are neither one array nor columns.
    """
    if not file.is_file():
        raise FolderError(file, "there is no such file", "Give an ONNX file, or the folder that holds service.json.")
    command = [sys.executable, "-m", "modelyard_scoring.command.inspection", str(file)]
    done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=False)
    if done.returncode == 0:
        return msgspec.json.decode(done.stdout, type=Service)
    problem = done.stdout.decode("utf-8", "replace").strip() or f"opening it ended with status {done.returncode}"
    raise StartError(problem, done.stderr.decode("utf-8", "replace")[-2000:].strip() if not done.stdout else "")
