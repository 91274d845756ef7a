"""The entry script itself: imported, made ready, and run."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import logging
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

from modelyard_scoring.errors import RequestError, ScriptError
from modelyard_scoring.scripts.answer import make_result
from modelyard_scoring.scripts.messages import Call, Order, Refusal, Result, Up
from modelyard_scoring.scripts.output import Output
from modelyard_scoring.scripts.reading import Reading, find_reading
from modelyard_scoring.tracebacks import author_traceback

_log = logging.getLogger(__name__)


class Script:
    """A script with ``run(data)`` and perhaps ``init()``, either of them perhaps ``async``.

    Attributes
    ----------
    waits
        Whether ``run`` is ``async``.
    """

    def __init__(self, order: Order, output: Output) -> None:
        self._root = Path(order.root)
        self._file = self._root / order.entry
        self._tells = order.debug_port is not None or order.notes is not None
        self._output = output
        self.waits = False

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of an ``async`` script."""
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return loop

    def enter(self, phase: str) -> None:
        """Go through a phase of the start: ``import`` or ``init``.

        Raises
        ------
        ScriptError
            If there is no script, or its ``run`` cannot be called.
        Exception
            Whatever the script raises.
        """
        if phase == "import":
            self._module = self._import()
            self._run = self._function(self._run_module(), "run")
            self._reading: Reading = find_reading(self._file, self._run)
            self.waits = inspect.iscoroutinefunction(inspect.unwrap(self._run))
        elif hasattr(self._module, "init"):
            begun = self._function(self._module, "init")()
            if inspect.iscoroutine(begun):
                self.loop.run_until_complete(begun)

    def describe(self) -> Up:
        """Tell what ``run`` takes and gives."""
        return self._reading.up

    def answer(self, call: Call) -> Result:
        """Run a request; whatever goes wrong is in the result."""
        began = perf_counter()
        with self._output.of(call.request_id):
            try:
                arguments = self._reading.read(call)
                began = perf_counter()
                value = self._run(**arguments)
                return make_result(value, perf_counter() - began)
            except BaseException as error:  # noqa: BLE001 - a script may raise anything, SystemExit too
                return self._failed(call, error, perf_counter() - began)

    async def answer_later(self, call: Call) -> Result:
        """Do what `answer` does in the event loop."""
        began = perf_counter()
        with self._output.of(call.request_id):
            try:
                arguments = self._reading.read(call)
                began = perf_counter()
                value = await self._run(**arguments)
                return make_result(value, perf_counter() - began)
            except BaseException as error:  # noqa: BLE001 - a script may raise anything, CancelledError too
                return self._failed(call, error, perf_counter() - began)

    def _failed(self, call: Call, error: BaseException, seconds: float) -> Result:
        if isinstance(error, RequestError):
            refusal = Refusal(code=error.code, text=str(error), facts=error.facts)
            return Result(refusal=refusal, seconds=seconds)
        text = author_traceback(error, self._root)
        _log.error("The script failed on the request %s.", call.request_id, extra={"traceback": text})
        facts = {"traceback": text.splitlines()} if self._tells else {}
        refusal = Refusal(code="script-failed", text=type(error).__name__, facts=facts)
        return Result(refusal=refusal, seconds=seconds)

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

    def _run_module(self) -> ModuleType:
        """Give the module whose ``run`` is meant: scripts made by tools name another as ``driver_module``."""
        driven = getattr(self._module, "driver_module", None)
        return driven if isinstance(driven, ModuleType) and hasattr(driven, "run") else self._module

    def _function(self, module: ModuleType, name: str) -> Callable[..., Any]:
        function = getattr(module, name, None)
        if not callable(function):
            hint = "It needs run(data); init() is called once before, if it is there."
            raise ScriptError(self._file, f"has no function {name}()", hint)
        found: Callable[..., Any] = function
        return found
