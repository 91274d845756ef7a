"""Opens models with onnxruntime, which is imported nowhere else."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from modelyard_scoring.engines.providers import ACCELERATORS, check_providers, providers
from modelyard_scoring.errors import EngineError

_log = logging.getLogger(__name__)


def import_runtime(accelerator: str = "cpu") -> ModuleType:
    """Import onnxruntime with its telemetry off.

    Raises
    ------
    EngineError
        If it is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        if error.name != "onnxruntime":
            raise
        hint = f"pip install {ACCELERATORS[accelerator].package}"
        raise EngineError("", "onnxruntime is not installed", hint) from None
    module: ModuleType = onnxruntime
    return module


def open_session(file: Path, *, threads: int, accelerator: str = "cpu") -> Any:
    """Open a model for `threads` threads.

    Raises
    ------
    EngineError
        If onnxruntime is not installed, or does not open the file.
    AcceleratorError
        If the accelerator cannot be used.
    """
    onnxruntime = import_runtime(accelerator)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what a run raises says all, and names its request; lines of others would not
    # Measured with an MLP of 2.1 million weights and two threads: threads that spin while they wait take 0.74 ms of CPU
    # for a row in place of 0.39, which a container's quota pays for. The arena stays on: after rows by the thousand the
    # process had 158 to 161 MB with it and 130 to 196 without, for the same CPU; MALLOC_ARENA_MAX changed nothing.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen = providers(accelerator, onnxruntime.get_available_providers())
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=chosen)
    except MemoryError:
        raise
    except Exception as error:  # onnxruntime raises a kind of its own for each status
        raise EngineError(file.name, str(error).rstrip(".")) from error
    session.disable_fallback()  # a run that fails on the accelerator is not tried on the CPU
    check_providers(accelerator, session)
    _log.info("%s is run by %s with %d threads.", file.name, ", ".join(session.get_providers()), threads)
    return session
