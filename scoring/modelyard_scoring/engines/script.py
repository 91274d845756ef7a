"""Scripts with ``init()`` and ``run(data)``, as Azure Machine Learning has them, in a process of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import msgspec

from modelyard_scoring import model
from modelyard_scoring.answers import Answer, Reply
from modelyard_scoring.engines import Placement, Request, models_folder
from modelyard_scoring.errors import ContentTypeError, MalformedError, ScriptError, ScriptFailedError
from modelyard_scoring.scripts.azure import warn_of_variables
from modelyard_scoring.scripts.errors import RelayedError
from modelyard_scoring.scripts.keeper import Keeper
from modelyard_scoring.scripts.messages import Call, Order, Refusal, Result, Up
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
    bounded = True

    def __init__(self, served: ServedModel, place: Placement) -> None:
        code = place.service.code
        if code is None:
            raise ScriptError(served, "cannot be served: service.json names no code")
        root = place.folder / code.path
        self.at_once = code.concurrency or 1
        order = Order(
            root=str(root),
            entry=code.entry,
            at_once=self.at_once,
            log_level=logging.getLevelName(logging.getLogger().level),
            debug_port=place.author.debug_port,
        )
        self._keeper = Keeper(
            order, _environ(place), place.limits.timeout, Watch(root) if place.author.reload else None
        )

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
            headers=request.headers,
            body=body,
        )

    def run(self, works: Sequence[Call]) -> list[Answer]:
        """Have the script run each request.

        Raises
        ------
        RequestError
            If the script raises, dies or takes too long, or returns what has no form in JSON.
        """
        return [_answer(self._keeper.ask(work)) for work in works]

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


def _answer(result: Result) -> Answer:
    if result.refusal is not None:
        raise _error(result.refusal)
    return Reply(body=result.body, kind=result.kind, status=result.status, headers=result.headers)


def _error(refusal: Refusal) -> Exception:
    if refusal.code == ScriptFailedError.code:
        return ScriptFailedError(refusal.text, **refusal.facts)
    return RelayedError(refusal.code, refusal.text, refusal.facts)
