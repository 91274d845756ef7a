"""Where onnxruntime runs a model: the execution provider that belongs to an accelerator.

Each accelerator has builds of onnxruntime of its own, packages that all bring the module ``onnxruntime`` and so
replace one another. A provider that is missing, or that onnxruntime leaves aside when it opens a model, is an error:
a service that was sized for an accelerator must not run on the CPU without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from modelyard_scoring.errors import AcceleratorError

CPU: Final = "CPUExecutionProvider"


class Accelerator(Struct, frozen=True):
    """An execution provider, the package of onnxruntime that has it, and what it needs besides."""

    provider: str
    package: str
    options: Mapping[str, str] = MappingProxyType({})


ACCELERATORS: Final[Mapping[str, Accelerator]] = {
    "cpu": Accelerator(CPU, "onnxruntime"),
    "cuda": Accelerator("CUDAExecutionProvider", "onnxruntime-gpu"),
    "tensorrt": Accelerator("TensorrtExecutionProvider", "onnxruntime-gpu"),
    "rocm": Accelerator("ROCMExecutionProvider", "onnxruntime-rocm"),
    "migraphx": Accelerator("MIGraphXExecutionProvider", "onnxruntime-migraphx"),
    "openvino": Accelerator("OpenVINOExecutionProvider", "onnxruntime-openvino", {"device_type": "CPU"}),
    "openvino-gpu": Accelerator("OpenVINOExecutionProvider", "onnxruntime-openvino", {"device_type": "GPU"}),
    "dnnl": Accelerator("DnnlExecutionProvider", "a build of onnxruntime with oneDNN"),
    "qnn": Accelerator("QNNExecutionProvider", "onnxruntime-qnn"),
    "coreml": Accelerator("CoreMLExecutionProvider", "onnxruntime, on macOS"),
    "directml": Accelerator("DmlExecutionProvider", "onnxruntime-directml, on Windows"),
}
"""By what ``service.json`` calls them."""


def providers(name: str, installed: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Give what a session is opened with.

    Operators that a provider does not have are run by the CPU's, as onnxruntime always does.

    Raises
    ------
    AcceleratorError
        If the provider is not among the `installed` ones.
    """
    accelerator = ACCELERATORS[name]
    if accelerator.provider not in installed:
        problem = f"the onnxruntime that is installed has no {accelerator.provider}"
        raise AcceleratorError(name, problem, installed, accelerator.package)
    chosen = [(accelerator.provider, dict(accelerator.options))]
    if name == "tensorrt" and ACCELERATORS["cuda"].provider in installed:
        chosen.append((ACCELERATORS["cuda"].provider, {}))
    return chosen if accelerator.provider == CPU else [*chosen, (CPU, {})]


def check_providers(name: str, session: Any) -> None:
    """Check that a session has the provider that it was opened with.

    Raises
    ------
    AcceleratorError
        If onnxruntime left it aside, for want of a driver or a library; its log says which.
    """
    used, accelerator = session.get_providers(), ACCELERATORS[name]
    if accelerator.provider not in used:
        problem = f"{accelerator.provider} was left aside when the model was opened, for want of a driver or a library"
        raise AcceleratorError(name, problem, used, accelerator.package)
