"""The sealed specification of what is served: canonical JSON, whose sha256 is the identity of an image."""

from __future__ import annotations

import hashlib
import re
from typing import Literal, Self

import msgspec
from msgspec import Struct

from modelyard.environments.contents import Variable
from modelyard.environments.platforms import running_platform
from modelyard.images.errors import InvalidImageError
from modelyard.images.steps import check_package, instructions
from modelyard.models.signature import Signature
from modelyard.names import check_name, check_path
from modelyard.store.blobs import check_digest

FORMAT = 1
PLATFORMS = {
    "linux/amd64": "x86_64-manylinux_2_28",
    "linux/arm64": "aarch64-manylinux_2_28",
    "darwin/amd64": "x86_64-apple-darwin",
    "darwin/arm64": "aarch64-apple-darwin",
}
"""The platforms that images are made for, as OCI writes them, and as locks do; on macOS only processes serve them."""

ACCELERATORS = ("cpu", "cuda", "tensorrt", "rocm", "migraphx", "openvino", "openvino-gpu", "dnnl", "qnn")
"""What ONNX models can run on in an image (docs/reference/model-folder.md)."""

_APPLICATION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(\))?", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LIMITS = ("max_body_bytes", "max_rows", "timeout", "max_queue", "max_batch_rows")
"""What the server limits, by the names that the model folder has for it."""
_MOST_WORKERS = 128
_LEAST_MEMORY = 64 << 20


class ImageModel(Struct, frozen=True, kw_only=True):
    """A model version in an image.

    Parameters
    ----------
    tree
        The digest of its files.
    engine
        ``onnx``; or ``script`` or ``application``, whose code opens it.
    file
        The ONNX file; empty where the code opens the model.
    sample
        The digest of the recorded request and answer, as JSON; empty where there is none.
    run_id, commit
        The run that made it, and the git commit of that run's script.
    """

    name: str
    version: int
    tree: str
    engine: Literal["onnx", "script", "application"] = "onnx"
    file: str = ""
    signature: Signature | None = None
    sample: str = ""
    run_id: str = ""
    commit: str = ""

    def __post_init__(self) -> None:
        check_name("a model", self.name)
        check_digest(self.tree)
        if self.sample:
            check_digest(self.sample)
        if self.file:
            check_path(self.file)

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


class ImageCode(Struct, frozen=True, kw_only=True):
    """The script or the application of an image, and the digest of the files that it needs.

    Parameters
    ----------
    entry
        The file of the script; for an application, which says where it is, it may be empty.
    application
        ``MODULE:NAME``, or ``MODULE:NAME()`` to call what makes it.
    concurrency
        Requests that each worker runs at a time, 1 to 256; 0 for the server's choice.
    sample
        The digest of a recorded request and answer, as JSON; empty where there is none, or where a model has it.
    """

    tree: str
    entry: str = ""
    application: str = ""
    interface: Literal["", "asgi", "wsgi"] = ""
    concurrency: int = 0
    sample: str = ""

    def __post_init__(self) -> None:
        for digest in filter(None, (self.tree, self.sample)):
            check_digest(digest)
        if not self.entry and not self.application:
            raise InvalidImageError("code", "", "name an entry script or an application")
        if self.entry and not check_path(self.entry).endswith(".py"):
            raise InvalidImageError("entry script", self.entry, "it is a Python file, NAME.py")
        if self.application and _APPLICATION.fullmatch(self.application) is None:
            raise InvalidImageError("application", self.application, "write MODULE:NAME, or MODULE:NAME() to call it")
        if not 0 <= self.concurrency <= 256:
            raise InvalidImageError("concurrency", str(self.concurrency), "it is 1 to 256")


class Resources(Struct, frozen=True, kw_only=True):
    """What one running copy of an image gets: CPUs, bytes of memory, an accelerator, and processes that serve."""

    cpu: float = 1.0
    memory: int = 1 << 30
    accelerator: str = "cpu"
    workers: int = 1

    def __post_init__(self) -> None:
        if not 0.1 <= self.cpu <= 1024:
            raise InvalidImageError("cpu", str(self.cpu), "it is a number of CPUs from 0.1 to 1024")
        if self.memory < _LEAST_MEMORY:
            raise InvalidImageError("memory", str(self.memory), "it is a number of bytes, 64 MiB and above")
        if self.accelerator not in ACCELERATORS:
            raise InvalidImageError("accelerator", self.accelerator, f"it is one of {', '.join(ACCELERATORS)}")
        if not 1 <= self.workers <= _MOST_WORKERS:
            raise InvalidImageError("workers", str(self.workers), f"it is 1 to {_MOST_WORKERS}")


class PlatformPart(Struct, frozen=True, kw_only=True, order=True):
    """What differs by platform.

    Parameters
    ----------
    platform
        One of `PLATFORMS`.
    lock
        The digest of the environment's lock, kept as a blob.
    base
        The digest of the base image's manifest; empty for an image that is served by processes only.
    """

    platform: str
    lock: str
    base: str = ""

    def __post_init__(self) -> None:
        if self.platform not in PLATFORMS:
            raise InvalidImageError("platform", self.platform, f"it is one of {', '.join(PLATFORMS)}")
        for digest in filter(None, (self.lock, self.base)):
            check_digest(digest)


class ImageSpec(Struct, frozen=True, kw_only=True):
    """All that an image is; nothing that is not in here changes what is built or what it answers.

    Parameters
    ----------
    name
        The image's name, which its servers say of themselves.
    server
        The digest of the scoring server's own files.
    limits
        What differs from the server's limits, by name (docs/reference/model-folder.md).
    system_packages, docker_steps
        Debian packages, and lines of a Dockerfile: an image with any of them is built by an engine.
    """

    format: Literal[1] = 1
    name: str
    models: tuple[ImageModel, ...] = ()
    code: ImageCode | None = None
    server: str
    parts: tuple[PlatformPart, ...]
    resources: Resources = Resources()
    limits: dict[str, int | float] = {}
    variables: tuple[Variable, ...] = ()
    system_packages: tuple[str, ...] = ()
    docker_steps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name("an image", self.name)
        check_digest(self.server)
        names = [model.name for model in self.models]
        if twice := {name for name in names if names.count(name) > 1}:
            raise InvalidImageError("models", min(twice), "each model's name stands once")
        if not self.models and self.code is None:
            raise InvalidImageError("models", "", "name a model, a script or an application")
        if self.code is None and any(model.engine != "onnx" for model in self.models):
            raise InvalidImageError("models", "", "a model that code opens needs the code")
        _check_limits(self.limits)
        _check_variables(self.variables)
        for package in self.system_packages:
            check_package(package)
        instructions(self.docker_steps)
        platforms = [part.platform for part in self.parts]
        if not platforms or platforms != sorted(set(platforms)):
            raise InvalidImageError("platforms", ", ".join(platforms), "each stands once, in order")

    @classmethod
    def decode(cls, document: bytes) -> Self:
        """Read what `canonical` wrote.

        Raises
        ------
        InvalidImageError
            If it is not a specification.
        """
        try:
            return msgspec.json.decode(document, type=cls)
        except msgspec.MsgspecError as error:
            raise InvalidImageError("specification", document[:80].decode(errors="replace"), str(error)) from None

    @property
    def canonical(self) -> bytes:
        """What the digest is taken of: JSON with sorted keys and every field."""
        return msgspec.json.encode(self, order="sorted")

    @property
    def digest(self) -> str:
        """The sha256 of `canonical`, in hexadecimal."""
        return hashlib.sha256(self.canonical).hexdigest()

    @property
    def blobs(self) -> tuple[str, ...]:
        """The digests of the blobs and trees that the specification names, but for base images."""
        named = [self.server, *(part.lock for part in self.parts)]
        named += [] if self.code is None else list(filter(None, (self.code.tree, self.code.sample)))
        named += [digest for model in self.models for digest in (model.tree, model.sample) if digest]
        return tuple(dict.fromkeys(named))

    def part(self, platform: str) -> PlatformPart:
        """Find what it has for a platform.

        Raises
        ------
        InvalidImageError
            If it was not made for that platform.
        """
        found = next((part for part in self.parts if part.platform == platform), None)
        if found is None:
            made = ", ".join(part.platform for part in self.parts)
            raise InvalidImageError("platform", platform, f"the image was made for {made}; create it with this one too")
        return found


def _check_variables(variables: tuple[Variable, ...]) -> None:
    for variable in variables:
        if _VARIABLE.fullmatch(variable.name) is None:
            rule = "it has letters, digits and _, and does not begin with a digit"
            raise InvalidImageError("variable", variable.name, rule)
        if "\x00" in variable.value:
            raise InvalidImageError(f"variable {variable.name}", variable.value, "it holds no NUL character")


def _check_limits(limits: dict[str, int | float]) -> None:
    for name, value in limits.items():
        if name not in LIMITS:
            raise InvalidImageError("limit", name, f"it is one of {', '.join(LIMITS)}")
        if not value > 0 or (name != "timeout" and not isinstance(value, int)):
            rule = "it is a number of seconds above 0" if name == "timeout" else "it is a whole number above 0"
            raise InvalidImageError(f"limit {name}", str(value), rule)


def running_image_platform() -> str:
    """Name the platform of this machine, as images have it.

    Raises
    ------
    InvalidImageError
        If images are not made for this kind of machine.
    """
    machine, _, system = running_platform().partition("-")
    family = "darwin" if "darwin" in system else "manylinux"
    for name, lock in PLATFORMS.items():
        if lock.startswith(machine) and family in lock and family in system:
            return name
    raise InvalidImageError("platform", running_platform(), f"images are made for {', '.join(PLATFORMS)}")
