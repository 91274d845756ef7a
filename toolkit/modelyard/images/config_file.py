"""The configuration file beside a script: YAML or JSON, in our own names or in those of Azure Machine Learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct, structs

from modelyard.errors import nearest
from modelyard.images.errors import ImageConfigError
from modelyard.images.inference import ImageConfig, InferenceConfig, ResourceConfig


class _Written(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The names that a file may have, and of what kind their values are."""

    models: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    description: str = ""
    entry_script: str | None = None
    application: str | None = None
    interface: Literal["asgi", "wsgi"] | None = None
    source_directory: str | None = None
    environment: str | None = None
    base_image: str | None = None
    system_packages: tuple[str, ...] = ()
    extra_docker_file_steps: str | tuple[str, ...] = ()
    concurrency: int | None = None
    limits: dict[str, int | float] = {}
    variables: dict[str, str] = {}
    cpu: float = 1.0
    memory: int | str = "1GiB"
    accelerator: str = "cpu"
    workers: int = 1


_NAMES = _Written.__struct_fields__
_RESOURCES = ResourceConfig.__struct_fields__
_INFERENCE = InferenceConfig.__struct_fields__

_FROM_AZURE: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "entryScript": ("entry_script", str),
    "sourceDirectory": ("source_directory", str),
    "condaFile": ("environment", str),
    "baseImage": ("base_image", str),
    "extraDockerfileSteps": ("extra_docker_file_steps", lambda value: value),
    "extraDockerFileSteps": ("extra_docker_file_steps", lambda value: value),
    "enableGpu": ("accelerator", lambda value: "cuda" if value else "cpu"),
    "memoryInGB": ("memory", lambda value: f"{value}GB"),
    "maxConcurrentRequestsPerContainer": ("concurrency", int),
    "scoringTimeoutMs": ("limits", lambda value: {"timeout": value / 1000}),
}
"""Names of ``InferenceConfig`` and of deployment configurations, and what they are here."""

_WITHOUT_MEANING = frozenset(
    [
        "runtime",
        "cudaVersion",
        "computeType",
        "appInsightsEnabled",
        "location",
        "dnsNameLabel",
        "dataCollection",
        "baseImageRegistry",
        "livenessProbeRequirements",
        "maxQueueWaitMs",
        "authEnabled",
        "sslEnabled",
        "autoScaler",
        "numReplicas",
        "keys",
        "namespace",
        "gpuCores",
    ]
)
"""Names of Azure's files that say nothing of an image: they are left aside, and said to be."""
_NESTED = ("inference", "resources", "containerResourceRequirements")


def read_config(path: str | Path) -> tuple[ImageConfig, tuple[str, ...]]:
    """Read a configuration file; relative paths in it start at its folder. Also name what was left aside.

    Raises
    ------
    ImageConfigError
        If it is not YAML or JSON, has a name that is not known, or a value of another kind; the text names the place.
    """
    path = Path(path)
    found, aside = _known(path, _load(path))
    try:
        written = msgspec.convert(_placed(found, path.parent), _Written)
    except msgspec.ValidationError as error:
        raise ImageConfigError(str(path), str(error)) from None
    said = structs.asdict(written)
    config = ImageConfig(
        models=written.models,
        inference=InferenceConfig(**{name: said[name] for name in _INFERENCE}),
        resources=ResourceConfig(**{name: said[name] for name in _RESOURCES}),
        tags=written.tags,
        description=written.description,
    )
    return config, aside


def _load(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_bytes())  # JSON is YAML
    except OSError as error:
        raise ImageConfigError(str(path), error.strerror or str(error)) from None
    except yaml.YAMLError as error:
        raise ImageConfigError(str(path), " ".join(str(error).split())) from None
    if not isinstance(document, dict):
        raise ImageConfigError(str(path), "it holds no names and values")
    return document


def _known(path: Path, document: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    found: dict[str, Any] = {}
    aside: list[str] = []
    for name, value in document.items():
        if name in _NESTED and isinstance(value, dict):
            below, more = _known(path, value)
            found |= below
            aside += more
        elif name in _WITHOUT_MEANING:
            aside.append(name)
        elif name in _FROM_AZURE:
            ours, translate = _FROM_AZURE[name]
            try:
                found[ours] = translate(value)
            except (TypeError, ValueError):
                raise ImageConfigError(str(path), f"{value!r} is no value of {name}") from None
        elif name in _NAMES:
            found[name] = value
        else:
            known = (*_NAMES, *_FROM_AZURE)
            raise ImageConfigError(
                str(path), f"{name!r} is not known; known are {', '.join(nearest(str(name), known))}"
            )
    return found, tuple(aside)


def _placed(found: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Let the paths in a file start where the file is."""
    placed = dict(found)
    if "source_directory" in placed:
        placed["source_directory"] = str(folder / placed["source_directory"])
    elif "entry_script" in placed:
        placed["entry_script"] = str(folder / placed["entry_script"])
    for name in ("environment", "extra_docker_file_steps"):
        if isinstance(placed.get(name), str) and (folder / placed[name]).is_file():
            placed[name] = str(folder / placed[name])
    return placed
