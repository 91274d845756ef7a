"""A small server that takes copies of requests, and says so before anything is done with them."""

from __future__ import annotations

import hmac
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

from msgspec import Struct

from modelyard.settings import Secret

_LARGEST = 16 * 2**20
"""Bytes of a body."""
_CONNECTIONS = 64
_IDLE = 75.0
"""Seconds that a connection may be silent; the router ends one sooner, so that none ends while a copy is on its way."""
_PAGES = re.compile(r"/(live|ready|metrics|v2/health/.*)")
_SENT_ON = ("GET", "POST")


class Copy(Struct, frozen=True, kw_only=True):
    """A request: `target` is its path with its query; the names of its headers are lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        """The path without the query, which may hold a secret."""
        return self.target.partition("?")[0]

    @property
    def request_id(self) -> str:
        """What the request is called in logs."""
        return dict(self.headers).get("x-request-id", "")[:100]


class CopyServer(ThreadingTCPServer):
    """Listens on loopback, at a free port.

    Parameters
    ----------
    key
        What a copy must bring as ``x-api-key``.
    take
        Gets each copy, and returns at once.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, key: Secret, take: Callable[[Copy], None]) -> None:
        self.key, self.take = key, take
        self.ended = threading.Event()
        self._room = threading.BoundedSemaphore(_CONNECTIONS)
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def serve(self) -> None:
        """Take copies until it is closed."""
        self.serve_forever(poll_interval=0.1)

    def close(self) -> None:
        """Listen no more."""
        self.ended.set()
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection its thread, if there are not too many."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Talk on a connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave unsaid that a connection was cut."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE
    server: CopyServer

    def _take(self) -> None:
        """Read a request whole, answer, and hand it on; whoever does not keep to the form is cut off."""
        headers = tuple((name.lower(), value) for name, value in self.headers.items())
        status = self._refusal(dict(headers))
        if status is not None:
            self._answer(status)
            return
        size = int(self.headers.get("content-length", 0))
        body = self.rfile.read(size)
        if len(body) < size:  # cut off
            self.close_connection = True
            return
        copy = Copy(method=self.command, target=self.path, headers=headers, body=body)
        self._answer(202)
        if self.command in _SENT_ON and _PAGES.fullmatch(copy.path) is None:
            self.server.take(copy)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _take  # noqa: N815 - the names looked up

    def _refusal(self, headers: dict[str, str]) -> int | None:
        sent, size = headers.get("x-api-key", ""), headers.get("content-length", "0")
        if not hmac.compare_digest(sent.encode("latin-1"), self.server.key.reveal().encode()):
            return 401
        if not self.path.startswith("/") or "transfer-encoding" in headers:
            return 400
        if not (size.isascii() and size.isdigit()) or self.headers.get_all("content-length", [size]) != [size]:
            return 400
        return 413 if len(size) > 9 or int(size) > _LARGEST else None

    def _answer(self, status: int) -> None:
        self.close_connection = self.close_connection or status != 202 or self.server.ended.is_set()
        self.send_response_only(status)
        self.send_header("content-length", "0")
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write no log: the router has one."""
