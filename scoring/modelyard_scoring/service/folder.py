"""The model folder: what is served, as ``service.json`` says it (docs/reference/model-folder.md)."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec
from msgspec import Struct

from modelyard_scoring.errors import DigestError, FolderError
from modelyard_scoring.service.signature import Signature

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
HERE = "."
"""The path of a model that is a file served on its own: its neighbours in the folder are none of its business."""
Accelerator = Literal[
    "cpu",
    "cuda",
    "tensorrt",
    "rocm",
    "migraphx",
    "openvino",
    "openvino-gpu",
    "dnnl",
    "qnn",
    "coreml",
    "directml",
]
_DIGEST = re.compile(r"[0-9a-f]{64}")
_APPLICATION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(\))?", re.ASCII)
_MAX_CONCURRENCY = 256
CODE_ENGINES = frozenset(["script", "application"])
"""The engines that run the code; a model that names one of them is there for the code to open."""


class Sample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as a client would send it, and the answer that was recorded for it."""

    request: Any
    answer: Any


class ServedModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model version in the folder.

    Parameters
    ----------
    path
        The model's folder, relative to the model folder.
    engine
        What runs it: the name of an entry point in the group `modelyard_scoring.engines`.
    file
        The file in `path` that the engine opens; none for scripts, which open what they like.
    files
        The sha256 of every file under `path`.
    tolerance
        For an output, the relative difference that the warm-up accepts instead of 1e-4.
    """

    name: str
    version: int
    path: str
    engine: str
    file: str | None = None
    files: dict[str, str]
    signature: Signature | None = None
    sample: Sample | None = None
    tolerance: dict[str, float] | None = None

    def __post_init__(self) -> None:
        _check_name("model", self.name)
        _check_path(self.path)
        for file, digest in self.files.items():
            _check_path(file)
            if _DIGEST.fullmatch(digest) is None:
                raise ValueError(f"the digest of {file!r} must be 64 hexadecimal digits, not {digest[:80]!r}")
        if self.version < 1:
            raise ValueError(f"the version of {self.name!r} must be at least 1")
        if self.file is not None and self.file not in self.files:
            raise ValueError(f"the file {self.file!r} of {self.name!r} is not among its files")

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"


class Code(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The folder of the code, and the script or the application in it.

    Parameters
    ----------
    entry
        The file of the script; for an application, which says it itself, it may be empty.
    application
        A WSGI or ASGI application, or a BentoML service, as ``MODULE:NAME``, or ``MODULE:NAME()`` to call what makes
        it; None for a script.
    interface
        What the application is; None to find out.
    concurrency
        Requests that each worker runs at a time; None for 1, and for 8 where a WSGI application runs.
    sample
        A request and its answer, where no model that the code opens has one.
    tolerance
        As of a model, for this sample.
    """

    path: str
    entry: str = ""
    application: str | None = None
    interface: Literal["asgi", "wsgi"] | None = None
    concurrency: int | None = None
    sample: Sample | None = None
    tolerance: dict[str, float] | None = None

    def __post_init__(self) -> None:
        _check_path(self.path)
        if self.application is not None:
            _check_application(self.application, self.entry)
        else:
            _check_path(self.entry)
        if self.entry and not self.entry.endswith(".py"):
            raise ValueError(f"the entry {self.entry!r} must be a Python file")
        if self.concurrency is not None and not 1 <= self.concurrency <= _MAX_CONCURRENCY:
            raise ValueError(f"the concurrency must be from 1 to {_MAX_CONCURRENCY}, not {self.concurrency}")


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one request may ask, and how much may wait.

    Parameters
    ----------
    timeout
        Seconds from the arrival of a request to its answer.
    max_queue
        Requests that may wait for one model in one worker.
    max_batch_rows
        Rows that requests are joined up to; a single larger request runs alone.
    """

    max_body_bytes: int = 16 * 2**20
    max_rows: int = 10_000
    timeout: float = 60.0
    max_queue: int = 1_000
    max_batch_rows: int = 1_024

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not getattr(self, name) > 0:
                raise ValueError(f"the limit {name} must be above 0")


class Service(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of ``service.json``.

    Parameters
    ----------
    accelerator
        What ONNX models run on; nothing else is taken in its place.
    """

    format: Literal[1]
    name: str
    models: tuple[ServedModel, ...]
    code: Code | None = None
    accelerator: Accelerator = "cpu"
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        _check_name("service", self.name)
        names = [model.name for model in self.models]
        if len(set(names)) < len(names):
            raise ValueError(f"two models have the same name in {names}")
        for model in self.models:
            if model.engine in CODE_ENGINES and self.code is None:
                raise ValueError(f"the model {model.name!r} has the engine {model.engine!r}, but there is no code")
        if not self.models and self.code is None:
            raise ValueError("there is neither a model nor code")


def read_service(folder: Path) -> Service:
    """Read what `folder` serves; files are not opened yet.

    Raises
    ------
    FolderError
        If ``service.json`` is missing or not as specified; the text names the place in it.
    """
    place = folder / "service.json"
    try:
        return msgspec.json.decode(place.read_bytes(), type=Service)
    except (FileNotFoundError, NotADirectoryError):
        raise _nothing_served(folder, place) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
        hint = "docs/reference/model-folder.md says what it holds."
        raise FolderError(place, str(error).rstrip("."), hint) from error


def _nothing_served(folder: Path, place: Path) -> FolderError:
    """Say what is not there: the folder, or the file in it."""
    hint = "Give the folder that holds service.json"
    if not folder.is_dir():
        problem = "this is no folder" if folder.exists() else "there is no such folder"
        return FolderError(folder, problem, f"{hint}, or a file NAME.onnx.")
    models = sorted(folder.glob("*.onnx"))
    return FolderError(
        place,
        "there is no such file",
        f"Did you mean the model on its own? Give {models[0]}." if models else f"{hint}.",
    )


def verify_model(folder: Path, model: ServedModel) -> None:
    """Check that the model's files are there, have their digests, and that there are no others.

    Raises
    ------
    DigestError
        If a file has other bytes; the text has both digests.
    FolderError
        If a file is missing or not listed.
    """
    root = folder / model.path
    for name, wanted in model.files.items():
        file = root / name
        if not file.is_file():
            raise FolderError(file, "there is no such file, but service.json lists it")
        got = _digest(file)
        if got != wanted:
            raise DigestError(file, wanted, got)
    for file in root.rglob("*") if model.path != HERE else ():
        name = file.relative_to(root).as_posix()
        if name not in model.files and not file.is_dir() and file.parent.name != "__pycache__":
            raise FolderError(file, "service.json does not list this file, so nothing vouches for it")


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_name(kind: str, name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"the {kind} name {name[:80]!r} must match {_NAME.pattern}")


def _check_path(path: str) -> None:
    parts = PurePosixPath(path).parts
    if (not parts and path != HERE) or path.startswith("/") or ".." in parts or "\0" in path or "\\" in path:
        raise ValueError(f"the path {path[:80]!r} must be relative, with / and without ..")


def _check_application(application: str, entry: str) -> None:
    if _APPLICATION.fullmatch(application) is None:
        raise ValueError(f"the application {application[:80]!r} must be like 'app:application' or 'app:create()'")
    module = application.partition(":")[0].replace(".", "/")
    if entry not in {"", f"{module}.py", f"{module}/__init__.py"}:
        raise ValueError(f"the entry {entry[:80]!r} is not the module of the application {application!r}")
