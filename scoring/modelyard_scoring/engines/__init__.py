"""What computes answers: one module for each kind of model.

A new engine is a class that has the methods of `Engine`, and an entry point in the group `GROUP`, in any distribution.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from msgspec import Struct

from modelyard_scoring.answers import Answer
from modelyard_scoring.asking import Asking, Done
from modelyard_scoring.decoding.rows import Rows
from modelyard_scoring.errors import FolderError, RequestError
from modelyard_scoring.service.folder import Limits, ServedModel, Service
from modelyard_scoring.service.schema import Described

if TYPE_CHECKING:
    from modelyard_scoring.http1.exchange import Exchange

GROUP = "modelyard_scoring.engines"
"""The group of the entry points that name engines: ``NAME = "module:Class"``."""

OWN = {
    "onnx": "modelyard_scoring.engines.onnx:OnnxEngine",
    "script": "modelyard_scoring.engines.script:ScriptEngine",
    "application": "modelyard_scoring.engines.application:ApplicationEngine",
}
"""The engines of this package: reading the entry points of all that is installed would take longer than a start may."""


class Request(Protocol):
    """What an engine may know of a request."""

    method: bytes
    target: bytes
    """The path and query, as they came."""
    headers: dict[bytes, bytes]
    """By names in lower case."""
    request_id: str
    usual: bool
    """Whether it is known to have a body of uncompressed JSON and to be answered in JSON."""

    @property
    def body(self) -> bytes | bytearray:
        """The whole body."""
        ...

    @property
    def content_type(self) -> bytes:
        """The type of the body, without parameters; empty where none is given."""
        ...

    @property
    def accept(self) -> bytes:
        """The types of answers that the client takes; empty for any."""
        ...


class Work(Protocol):
    """What an engine needs of one request."""

    @property
    def count(self) -> int:
        """How many rows it has."""
        ...


class Engine(Protocol):
    """Answers requests for one model.

    One that joins may have besides `sizes`: what it gives of two requests is the same where they may be run together.
    One that blocks may have besides `at_once`, how many threads may call `run` at a time (else one may). A worker
    whose run does not end in time is replaced. One that does not may have `width`, how many values it gives for a row.
    """

    joins: bool
    """Whether several requests may be given to `run` at once."""

    blocks: bool
    """Whether `run` may wait or take long, so that it must not be called in the event loop."""

    def load(self, enter: Callable[[str], None]) -> None:
        """Make ready to run; call `enter` with each phase, ``import`` and ``init``, as it begins."""
        ...

    def decode(self, request: Request) -> Work:
        """Read a request; raise a `RequestError` that says what is wrong with it."""
        ...

    def run(self, works: Sequence[Any]) -> Sequence[Answer]:
        """Answer each request; with an exception, all of them fail."""
        ...


@runtime_checkable
class JoiningEngine(Protocol):
    """What an engine that joins requests has besides."""

    def rows(self, work: Any) -> Rows:
        """Give the rows of a request, to try whether they are answered in a batch as they are alone."""
        ...


@runtime_checkable
class RelayingEngine(Engine, Protocol):
    """An engine that has requests run elsewhere: it has a queue of its own, and ends what takes too long."""

    @property
    def waiting(self) -> int:
        """How many requests have not begun."""
        ...

    def post(self, work: Any, asking: Asking, done: Done) -> None:
        """Have a request run; called in the loop, where `done` is told the answer too.

        Raises
        ------
        RequestError
            If it cannot be run soon.
        """
        ...

    def refuse(self, error: RequestError) -> None:
        """Answer all that wait with an error."""
        ...

    def able(self) -> bool:
        """Whether requests are run, or will be in a moment."""
        ...


@runtime_checkable
class DescribingEngine(Protocol):
    """What an engine has besides that knows of itself what it takes and gives."""

    def describe(self) -> Described:
        """Tell it, with examples."""
        ...


class Author(Struct, frozen=True, kw_only=True):
    """What the author of a script wants while writing it.

    Parameters
    ----------
    reload
        Whether to load the code again when it changes.
    debug_port
        Where to wait for a debugger; None does not wait.
    """

    reload: bool = False
    debug_port: int | None = None


@runtime_checkable
class Host(Engine, Protocol):
    """An engine that answers requests at every path, each in its own time, and in parts if it likes."""

    def take(self, exchange: Exchange) -> None:
        """Begin to answer; raise a `RequestError` if that cannot be."""
        ...

    def stuck(self, timeout: float) -> bool:
        """Whether something has gone on for more than `timeout` seconds that cannot be ended; asked again and again."""
        ...

    def abandon(self, error: RequestError) -> None:
        """Answer with an error what no longer can be answered otherwise."""
        ...

    async def shut_down(self, grace: float) -> None:
        """End what goes on after the answers, which has `grace` seconds."""
        ...


class Placement(Struct, frozen=True, kw_only=True):
    """Where an engine finds its model, and what it may use.

    Parameters
    ----------
    loop
        The event loop of the worker; None where there is none, as in a test.
    notes
        The file for notes of what code touches; None for none.
    """

    folder: Path
    service: Service
    limits: Limits
    threads: int
    author: Author = Author()
    loop: asyncio.AbstractEventLoop | None = None
    notes: str | None = None


def make_engine(model: ServedModel, place: Placement) -> Engine:
    """Make the engine of a model; nothing is loaded yet.

    Raises
    ------
    FolderError
        If no engine has the name that ``service.json`` says.
    """
    found = OWN.get(model.engine) or installed_engines().get(model.engine)
    if found is None:
        known = ", ".join(sorted({*OWN, *installed_engines()}))
        raise FolderError(model, f"there is no engine {model.engine!r}", f"Installed: {known}.")
    module, _, name = found.partition(":")
    engine: Engine = getattr(importlib.import_module(module), name)(model, place)
    return engine


def models_folder(place: Placement) -> Path:
    """Give what AZUREML_MODEL_DIR says: the folder of the only model, or of all models when there are more."""
    models = place.service.models
    return place.folder / (models[0].path if len(models) == 1 else "models")


def installed_engines() -> Mapping[str, str]:
    """List the engines of all that is installed: ``module:Class`` by name."""
    return {point.name: point.value for point in entry_points(group=GROUP)}
