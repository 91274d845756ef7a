"""How a model is served, and with what, as people write it down: in Python, or in a file beside their script.

The names are those of Azure Machine Learning's ``InferenceConfig`` and its configuration files, where it has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from modelyard.images.errors import InvalidImageError
from modelyard.images.spec import Resources

SLIM, NONE = "slim", "none"
"""The base image that is made here, and no base image."""

_SIZE = re.compile(r"\s*(?P<number>[0-9]+(\.[0-9]+)?)\s*(?P<unit>[KMGT]i?B?|B)?\s*")
_UNITS = {
    "": 1,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 1 << 10,
    "Mi": 1 << 20,
    "Gi": 1 << 30,
    "Ti": 1 << 40,
}


class InferenceConfig(Struct, frozen=True, kw_only=True):
    """What answers requests: a script, an application, or nothing of one's own, and then the ONNX models themselves.

    Parameters
    ----------
    entry_script
        A Python file with ``init()`` and ``run(data)``; below `source_directory` if that is given.
    application
        A WSGI or ASGI application or a BentoML service in `source_directory`, as ``MODULE:NAME``.
    source_directory
        The folder that goes into the image, without what its ignore files name; without it, the script's file alone.
    environment
        What the code needs: an `Environment`, the name of a registered one, or the path of a conda file or of a
        requirements file. Without it, what the models' runs recorded.
    base_image
        What the image stands on: a reference such as ``python:3.11-slim``, or a local archive; ``slim`` is made of
        Debian packages, and ``none`` is for images that only processes of this kind of machine serve. By default
        ``slim`` where this machine has apt, else ``none``.
    system_packages, extra_docker_file_steps
        Debian packages, and lines of a Dockerfile (or a file with them): the image is then built by Docker, by default
        on the base scoring image (``docs/howto/deploy-to-containers.md``).
    concurrency
        Requests that the code runs at a time in each worker, 1 to 256; None for 1, and for 8 in a WSGI application.
    limits
        What differs from the server's limits, such as ``{"timeout": 10}``.
    variables
        Environment variables that the code sees; never secrets, for they are kept in clear.
    """

    entry_script: str | Path | None = None
    application: str | None = None
    interface: Literal["asgi", "wsgi"] | None = None
    source_directory: str | Path | None = None
    environment: Any = None
    base_image: str | None = None
    system_packages: Sequence[str] = ()
    extra_docker_file_steps: str | Path | Sequence[str] = ()
    concurrency: int | None = None
    limits: Mapping[str, float] = {}
    variables: Mapping[str, str] = {}


class ResourceConfig(Struct, frozen=True, kw_only=True):
    """What one running copy gets.

    Parameters
    ----------
    cpu
        CPUs, 0.1 and above.
    memory
        Bytes, or a text such as ``512MiB`` or ``2GB``.
    accelerator
        What ONNX models run on: ``cpu``, ``cuda``, ``openvino`` or another that the model folder knows.
    workers
        Processes that serve, 1 to 128.
    """

    cpu: float = 1.0
    memory: int | str = "1GiB"
    accelerator: str = "cpu"
    workers: int = 1

    def resources(self) -> Resources:
        """Return them checked, in bytes.

        Raises
        ------
        InvalidImageError
            If one breaks its rule.
        """
        return Resources(
            cpu=float(self.cpu), memory=read_size(self.memory), accelerator=self.accelerator, workers=self.workers
        )


class CodeSample(Struct, frozen=True, kw_only=True):
    """A request that a script or an application is to answer before it serves, and the answer that it has to give."""

    request: Any
    answer: Any


class ImageConfig(Struct, frozen=True, kw_only=True):
    """What a configuration file says."""

    models: tuple[str, ...] = ()
    inference: InferenceConfig = InferenceConfig()
    resources: ResourceConfig = ResourceConfig()
    tags: dict[str, str] = {}
    description: str = ""


def read_size(size: int | str) -> int:
    """Read a number of bytes, or a text such as ``512MiB`` (2^20 bytes each) or ``2GB`` (10^9).

    Raises
    ------
    InvalidImageError
        If it is neither.
    """
    match = _SIZE.fullmatch(str(size))
    if match is None:
        raise InvalidImageError("memory", str(size), "write bytes, or a number with a unit, such as 512MiB or 2GB")
    return int(float(match["number"]) * _UNITS[(match["unit"] or "").rstrip("B")])
