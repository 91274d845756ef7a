"""Answers as bytes: status lines, headers, and errors as JSON."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import orjson
from msgspec import Struct

from modelyard_scoring.errors import EncodingError, MethodError, RequestError

STATUS: Final = {
    "bad-request": 400,
    "malformed-http": 400,
    "malformed-body": 400,
    "wrong-form": 400,
    "wrong-value": 400,
    "wrong-argument": 400,
    "ragged-row": 400,
    "missing-column": 400,
    "unknown-column": 400,
    "no-rows": 400,
    "no-websocket": 400,
    "wrong-key": 401,
    "foreign-origin": 403,
    "unknown-path": 404,
    "wrong-method": 405,
    "not-acceptable": 406,
    "slow-request": 408,
    "body-too-large": 413,
    "too-many-rows": 413,
    "target-too-long": 414,
    "wrong-content-type": 415,
    "wrong-encoding": 415,
    "wrong-host": 421,
    "headers-too-large": 431,
    "model-failed": 500,
    "script-failed": 500,
    "script-died": 500,
    "application-failed": 500,
    "server-failed": 500,
    "not-ready": 503,
    "queue-full": 503,
    "deadline": 504,
}

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
HTML = b"text/html; charset=utf-8"


class Reply(Struct, frozen=True, kw_only=True):
    """An answer that is not simply JSON with the status 200, which plain `bytes` stand for.

    Parameters
    ----------
    kind
        The content type.
    headers
        Whole header lines, each with its line end.
    """

    body: bytes
    kind: bytes = JSON
    status: int = 200
    headers: bytes = b""


Answer = bytes | Reply | RequestError
"""What a request gets: JSON text with the status 200, another reply, or an error."""


_LINES = {status: b"HTTP/1.1 %d \r\n" % status for status in range(100, 600)}  # an application may give any
_LINES |= {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def error_body(error: RequestError, request_id: str, target: bytes = b"") -> bytes:
    """Write an error as JSON: its code, its text, what it knows about the place, and the request's id.

    Clients of the Open Inference Protocol, whose targets begin with ``/v2``, look for the text under ``error``.
    """
    facts = {name: fact for name, fact in error.facts.items() if fact is not None}
    text = str(error).encode("utf-8", "replace").decode()
    again = {"error": text} if target.startswith(b"/v2") else {}
    return orjson.dumps({"code": error.code, "text": text, **again, **facts, "request_id": request_id})


def error_headers(error: RequestError) -> bytes:
    """Give the headers that belong to an error."""
    if isinstance(error, MethodError):
        return f"allow: {', '.join(error.allowed)}\r\n".encode()
    if isinstance(error, EncodingError):
        return f"accept-encoding: {', '.join(error.wanted)}\r\n".encode()
    status = STATUS[error.code]
    if status == HTTPStatus.UNAUTHORIZED:
        return b'www-authenticate: Bearer realm="scoring"\r\n'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return f"retry-after: 1\r\nx-modelyard-error: {error.code}\r\n".encode()  # by which routers ask another replica
    if error.code in {"script-failed", "script-died"}:
        return b"x-ms-run-function-failed: True\r\n"
    return b""


class Writer:
    """Writes heads of answers; the date, which all of a second share, is kept."""

    def __init__(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Take the time of now for the ``date`` header."""
        self._bare_date = b"date: " + formatdate(usegmt=True).encode() + b"\r\n"
        self._date = self._bare_date + b"content-type: "
        self._json = _LINES[HTTPStatus.OK] + self._date + JSON + b"\r\nx-request-id: "

    def json(self, body: bytes, request_id: str) -> bytes:
        """Give an answer of JSON on a connection that goes on."""
        own = request_id.encode()
        return b"%b%b\r\nx-ms-request-id: %b\r\ncontent-length: %d\r\n\r\n%b" % (self._json, own, own, len(body), body)

    def head(
        self, status: int, length: int, kind: bytes, request_id: bytes, extra: bytes = b"", ms_request_id: bytes = b""
    ) -> bytes:
        """Give the head of an answer; `extra` are whole header lines, `ms_request_id` another ``x-ms-request-id``."""
        return b"%b%b%b\r\nx-request-id: %b\r\nx-ms-request-id: %b\r\n%bcontent-length: %d\r\n\r\n" % (
            _LINES[status],
            self._date,
            kind,
            request_id,
            ms_request_id or request_id,
            extra,
            length,
        )

    def bare_head(self, status: int, request_id: bytes, lines: bytes, ms_request_id: bytes = b"") -> bytes:
        """Give the head of an answer whose other headers, length and type among them, are all in `lines`."""
        first = _LINES[status]
        date = b"" if lines.startswith(b"date:") or b"\ndate:" in lines else self._bare_date
        ids = b"x-request-id: %b\r\nx-ms-request-id: %b\r\n" % (request_id, ms_request_id or request_id)
        return b"%b%b%b%b\r\n" % (first, date, ids, lines)
