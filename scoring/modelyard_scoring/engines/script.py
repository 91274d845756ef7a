"""Scripts with ``init()`` and ``run(data)``, as Azure Machine Learning has them, in a process of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from math import inf

import msgspec

from modelyard_scoring import model
from modelyard_scoring.answers import Answer
from modelyard_scoring.asking import Asking, Done
from modelyard_scoring.engines import Placement, Request, models_folder
from modelyard_scoring.errors import ContentTypeError, MalformedError, RequestError, ScriptError
from modelyard_scoring.scripts.azure import warn_of_variables
from modelyard_scoring.scripts.keeper import Keeper
from modelyard_scoring.scripts.messages import Call, Order, Up
from modelyard_scoring.scripts.pending import Pending
from modelyard_scoring.scripts.watch import Watch
from modelyard_scoring.service.folder import ServedModel
from modelyard_scoring.service.schema import Described

_JSON = ["application/json"]
_TEXTS = [*_JSON, "text/csv", "text/plain"]
_OTHER_TEXTS = frozenset([b"application/xml", b"application/yaml", b"application/x-yaml", b"application/x-ndjson"])


class ScriptEngine:
    """Runs the entry script of the folder; as many requests at a time as ``service.json`` says.

    Attributes
    ----------
    at_once
        How many requests run at a time.
    """

    joins = False
    blocks = True

    def __init__(self, served: ServedModel, place: Placement) -> None:
        code = place.service.code
        if place.loop is None or code is None:
            raise ScriptError(served, "cannot be served: there is no code, or no event loop to answer from")
        root = place.folder / code.path
        self.at_once = code.concurrency or 1
        order = Order(
            root=str(root),
            entry=code.entry,
            at_once=self.at_once,
            log_level=logging.getLevelName(logging.getLogger().level),
            debug_port=place.author.debug_port,
            notes=place.notes,
        )
        watch = Watch(root) if place.author.reload else None
        self._pending = Pending(place.loop)
        self._keeper = Keeper(order, _environ(place), place.limits.timeout, self._pending, watch)

    @property
    def up(self) -> Up | None:
        """What the script takes and gives, as its decorators say; it may change with the code."""
        return self._keeper.up

    def load(self, enter: Callable[[str], None]) -> None:
        """Start the process, which imports the script and calls its ``init()``.

        Raises
        ------
        ToldError
            If there is no script, it has no ``run``, or it raises.
        """
        warn_of_variables()
        self._keeper.start(enter)

    def describe(self) -> Described:
        """Tell what the script's decorators say."""
        return Described() if self.up is None else Described(request=self.up.request, answer=self.up.answer)

    def decode(self, request: Request) -> Call:
        """Take the body as it is, once it is clear that it is what ``run`` takes: a text, JSON or anything."""
        body = bytes(request.body)
        mode = "text" if self.up is None else self.up.mode
        if mode != "raw" and request.method != b"GET":
            content_type = request.content_type
            if not _fits(content_type, mode):
                raise ContentTypeError(content_type.decode("latin-1"), _TEXTS if mode == "text" else _JSON)
            _check_text(body)
        return Call(
            request_id=request.request_id,
            method=request.method.decode("latin-1"),
            target=request.target,
            headers=request.headers if self.up is None or self.up.headers else {},
            body=body,
        )

    @property
    def waiting(self) -> int:
        """How many requests have not begun."""
        return self._pending.waiting

    def post(self, work: Call, asking: Asking, done: Done) -> None:
        """Have the script run a request."""
        self._pending.add(work, asking, done)

    def refuse(self, error: RequestError) -> None:
        """Answer all that wait with an error."""
        self._pending.refuse(error)

    def able(self) -> bool:
        """Whether there is a process, or will be one in a moment."""
        return self._pending.able()

    def run(self, works: Sequence[Call]) -> list[Answer]:
        """Have the script run each request, and wait for the answers; called in another thread than the loop's."""
        return [_Asker(work.request_id).ask(self._pending, work) for work in works]

    def close(self) -> None:
        """End the process."""
        self._keeper.close()


def _environ(place: Placement) -> dict[str, str]:
    code = place.service.code
    assert code is not None  # noqa: S101 - a script engine is made for code only
    places = [
        model.Place(name=one.name, version=one.version, path=str(place.folder / one.path))
        for one in place.service.models
    ]
    return {
        "AZUREML_MODEL_DIR": str(models_folder(place)),
        "AZUREML_ENTRY_SCRIPT": code.entry,
        "AML_APP_ROOT": str(place.folder / code.path),
        model.VARIABLE: msgspec.json.encode(places).decode(),
        **({"PYTHONDONTWRITEBYTECODE": "1"} if place.author.reload else {}),
    }


def _fits(content_type: bytes, mode: str) -> bool:
    if content_type in {b"", b"application/json"} or content_type.endswith(b"+json"):
        return True
    return mode == "text" and (content_type.startswith(b"text/") or content_type in _OTHER_TEXTS)


def _check_text(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
        raise MalformedError("a text in UTF-8", problem, position=error.start) from None


class _Asker:
    """A thread that waits for an answer."""

    wanted = True
    deadline = inf

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self._future: Future[Answer] = Future()

    def ask(self, pending: Pending, call: Call) -> Answer:
        """Wait for the answer to a call."""
        pending.loop.call_soon_threadsafe(self._add, pending, call)
        return self._future.result()

    def expire(self) -> None:
        """Never: there is no deadline."""

    def _add(self, pending: Pending, call: Call) -> None:
        try:
            pending.add(call, self, self._done)
        except RequestError as error:
            self._future.set_result(error)

    def _done(self, _asking: Asking, answer: Answer, _seconds: float | None) -> None:
        self._future.set_result(answer)
