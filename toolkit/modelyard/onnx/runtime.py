"""The one place that runs ONNX models: onnxruntime, one thread, no telemetry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelyard.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np


class OnnxModel:
    """An ONNX model that is ready to answer.

    Parameters
    ----------
    content
        The bytes of the ``.onnx`` file.
    """

    def __init__(self, content: bytes) -> None:
        runtime = load_runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what fails is raised; the log repeats it
        self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.outputs = tuple(output.name for output in self._session.get_outputs())

    def run(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Answer all rows of `feed`, by output name."""
        return dict(zip(self.outputs, self._session.run(None, dict(feed)), strict=True))


def load_runtime() -> Any:
    """Import onnxruntime with its telemetry off.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "onnx") from error
    return onnxruntime
