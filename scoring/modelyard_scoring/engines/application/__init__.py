"""Applications: a WSGI or ASGI callable, or a BentoML service, that answers every path by itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence

from modelyard_scoring.answers import Answer
from modelyard_scoring.engines import Author, Placement, Request, models_folder
from modelyard_scoring.engines.application.asgi import AsgiHost
from modelyard_scoring.engines.application.call import Asked, said_by
from modelyard_scoring.engines.application.loading import load_application
from modelyard_scoring.engines.application.wsgi import WsgiHost
from modelyard_scoring.errors import RequestError, ScriptError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.service.folder import ServedModel
from modelyard_scoring.touched.notes import begin

_log = logging.getLogger(__name__)


class ApplicationEngine:
    """Hands requests to an application; how many at a time is the application's, or its threads', business."""

    joins = False
    blocks = True

    def __init__(self, model: ServedModel, place: Placement) -> None:
        if place.service.code is None or place.service.code.application is None:
            raise ScriptError(model, "cannot be served: service.json names no application")
        self._code = place.service.code
        self._place = place
        self._host: AsgiHost | WsgiHost

    def load(self, enter: Callable[[str], None]) -> None:
        """Import the application, and have it start up if it wants to.

        Raises
        ------
        ScriptError
            If there is no such module or application.
        Exception
            Whatever the application raises.
        """
        os.environ["AZUREML_MODEL_DIR"] = str(models_folder(self._place))
        if self._place.author != Author():
            _log.warning("--reload and --debug are for scripts; this application is loaded once, without a debugger.")
        said = said_by()
        enter("import")
        if self._place.notes is not None:
            begin(self._place.notes)
        application, interface = load_application(self._place.folder / self._code.path, self._code)
        enter("init")
        self._host = {"asgi": AsgiHost, "wsgi": WsgiHost}[interface](application, self._place, said)
        self._host.start()

    def decode(self, request: Request) -> Asked:
        """Take the request as it is; what it means is up to the application."""
        return Asked(request)

    def run(self, works: Sequence[Asked]) -> list[Answer]:
        """Have the application answer each request, one after the other, as the warm-up does.

        Raises
        ------
        RequestError
            If the application fails on one; the log has the traceback.
        """
        replies = [self._host.ask(work) for work in works]
        for reply in replies:
            if isinstance(reply, RequestError):
                raise reply
        return replies

    def take(self, exchange: Exchange) -> None:
        """Have the application answer a request in its own time, in one piece or in parts.

        Raises
        ------
        RequestError
            If as many are being answered as may, or it asks for what applications are not given.
        """
        self._host.take(exchange)

    def stuck(self, timeout: float) -> bool:
        """Whether a thread of the application has done nothing for so many seconds."""
        return self._host.stuck(timeout)

    def abandon(self, error: RequestError) -> None:
        """Answer with an error what no thread is left for."""
        self._host.abandon(error)

    async def shut_down(self, grace: float) -> None:
        """Let the application end what it does after its answers, and shut it down."""
        await self._host.shut_down(grace)
