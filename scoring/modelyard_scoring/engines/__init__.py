"""What computes answers: one module for each kind of model.

A new engine is one module with a class that has the methods of `Engine`, and one line in `ENGINES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from modelyard_scoring.errors import FolderError
from modelyard_scoring.folder import Limits, ServedModel, Service

ENGINES = {
    "onnx": "modelyard_scoring.engines.onnx:OnnxEngine",
    "script": "modelyard_scoring.engines.script:ScriptEngine",
}


class Work(Protocol):
    """What an engine needs of one request."""

    @property
    def count(self) -> int:
        """How many rows it has."""
        ...


class Engine(Protocol):
    """Answers requests for one model."""

    joins: bool
    """Whether several requests may be given to `run` at once."""

    blocks: bool
    """Whether `run` may wait or take long, so that it must not be called in the event loop."""

    def load(self, enter: Callable[[str], None]) -> None:
        """Make ready to run; call `enter` with each phase, ``import`` and ``init``, as it begins."""
        ...

    def decode(self, body: bytes, content_type: bytes) -> Work:
        """Read the body of a request; raise a `RequestError` that says what is wrong with it."""
        ...

    def run(self, works: Sequence[Any]) -> list[bytes]:
        """Give the JSON text of the answer to each request."""
        ...


class Placement(Struct, frozen=True, kw_only=True):
    """Where an engine finds its model, and what it may use."""

    folder: Path
    service: Service
    limits: Limits
    threads: int


def make_engine(model: ServedModel, place: Placement) -> Engine:
    """Make the engine of a model; nothing is loaded yet.

    Raises
    ------
    FolderError
        If no engine has the name that ``service.json`` says.
    """
    if model.engine not in ENGINES:
        known = ", ".join(sorted(ENGINES))
        raise FolderError(model, f"there is no engine {model.engine!r}", f"Installed: {known}.")
    module, _, name = ENGINES[model.engine].partition(":")
    engine: Engine = getattr(importlib.import_module(module), name)(model, place)
    return engine
