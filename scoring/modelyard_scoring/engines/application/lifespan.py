"""What an ASGI application does before its first request and after its last."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from modelyard_scoring.errors import ScriptError

_log = logging.getLogger(__name__)
_VERSIONS = {"version": "3.0", "spec_version": "2.0"}


class Lifespan:
    """One call of the application that lasts as long as the worker serves.

    Parameters
    ----------
    state
        What the application fills as it starts; each request gets a copy.
    """

    def __init__(self, application: Any, state: dict[str, Any]) -> None:
        self._application = application
        self._scope = {"type": "lifespan", "asgi": _VERSIONS, "state": state}
        self._messages: list[dict[str, Any]] = []
        self._asked = asyncio.Event()
        self._told = asyncio.Event()
        self._failure: str | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Have the application start up; one that knows nothing of lifespans is taken as it is.

        Raises
        ------
        ScriptError
            If the application says that it could not start.
        Exception
            What made it fail, if it lets it pass.
        """
        self._task = asyncio.ensure_future(self._application(self._scope, self._receive, self._send))
        await self._tell("lifespan.startup")
        if self._failure is not None:
            await asyncio.wait([self._task], timeout=1.0)
            if self._task.done() and (error := self._task.exception()) is not None:
                raise error
            raise ScriptError("of the application", f"did not start: {self._failure}")
        if self._task.done() and (error := self._task.exception()) is not None:
            _log.info("The application has no lifespan: %s: %s", type(error).__name__, error)

    async def stop(self) -> None:
        """Have the application shut down, if it started up."""
        if self._task is None or self._task.done():
            return
        await self._tell("lifespan.shutdown")
        if self._failure is not None:
            _log.error("The application did not shut down: %s", self._failure)

    async def _tell(self, kind: str) -> None:
        self._told.clear()
        self._messages.append({"type": kind})
        self._asked.set()
        told = asyncio.ensure_future(self._told.wait())
        tasks = [told] if self._task is None else [told, self._task]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()

    async def _receive(self) -> dict[str, Any]:
        while not self._messages:
            self._asked.clear()
            await self._asked.wait()
        return self._messages.pop(0)

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] in {"lifespan.startup.failed", "lifespan.shutdown.failed"}:
            self._failure = str(message.get("message", "")) or "it gives no reason"
        self._told.set()
