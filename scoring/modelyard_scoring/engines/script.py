"""Scripts with ``init()`` and ``run(data)``, as Azure Machine Learning has them."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
from msgspec import Struct

from modelyard_scoring.engines import Placement, Request
from modelyard_scoring.errors import ContentTypeError, MalformedError, ScriptError, ScriptFailedError
from modelyard_scoring.folder import ServedModel

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
_log = logging.getLogger(__name__)


class Text(Struct, frozen=True):
    """The body of one request, as the script gets it."""

    data: str
    count: int = 1


class ScriptEngine:
    """Runs the entry script of the folder, one request at a time."""

    joins = False
    blocks = True

    def __init__(self, model: ServedModel, place: Placement) -> None:
        code = place.service.code
        if code is None:
            raise ScriptError(model, "cannot be served: service.json names no code")
        self._root = place.folder / code.path
        self._file = self._root / code.entry
        self._models = models_folder(place)

    def load(self, enter: Callable[[str], None]) -> None:
        """Import the script and call its ``init()``.

        Raises
        ------
        ScriptError
            If there is no script, or it has no ``run``.
        Exception
            Whatever the script raises.
        """
        os.environ["AZUREML_MODEL_DIR"] = str(self._models)
        enter("import")
        module = self._import()
        self._run = self._function(module, "run")
        enter("init")
        if hasattr(module, "init"):
            self._function(module, "init")()

    def decode(self, request: Request) -> Text:
        """Take the text of the body; what it means is up to the script."""
        content_type, body = request.content_type, request.body
        if content_type not in {b"application/json", b"text/csv", b"text/plain", b""}:
            wanted = ["application/json", "text/csv", "text/plain"]
            raise ContentTypeError(content_type.decode("latin-1"), wanted)
        try:
            return Text(body.decode())
        except UnicodeDecodeError as error:
            problem = f"byte {error.start} is not UTF-8"
            raise MalformedError("a text in UTF-8", problem, position=error.start) from None

    def run(self, works: Sequence[Text]) -> list[bytes]:
        """Call ``run(data)`` for each request and write what it returns as JSON.

        Raises
        ------
        ScriptFailedError
            If the script raises, or returns what has no form in JSON; the log has the traceback.
        """
        return [self._answer(work) for work in works]

    def _answer(self, work: Text) -> bytes:
        try:
            return orjson.dumps(self._run(work.data), default=_plain, option=_OPTIONS)
        except BaseException as error:
            raise ScriptFailedError(type(error).__name__) from error

    def _import(self) -> ModuleType:
        if not self._file.is_file():
            raise ScriptError(self._file, "is not there", "service.json names it as the entry.")
        sys.path.insert(0, str(self._root))
        name = self._file.stem
        spec = importlib.util.spec_from_file_location(name, self._file)
        if spec is None or spec.loader is None:
            raise ScriptError(self._file, "is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    def _function(self, module: ModuleType, name: str) -> Callable[..., Any]:
        function = getattr(module, name, None)
        if not callable(function):
            raise ScriptError(self._file, f"has no function {name}()", "It needs init() and run(data).")
        found: Callable[..., Any] = function
        return found


def models_folder(place: Placement) -> Path:
    """Give what AZUREML_MODEL_DIR says: the folder of the only model, or of all models when there are more."""
    models = place.service.models
    return place.folder / (models[0].path if len(models) == 1 else "models")


def _plain(value: Any) -> Any:
    """Turn what orjson does not know, such as data frames and NumPy's numbers, into lists and numbers."""
    for name in ("to_dict", "tolist", "item"):
        if hasattr(value, name):
            return getattr(value, name)()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
