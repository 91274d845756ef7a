"""The operations over HTTP: objects with the methods that the rooms declare."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from modelyard.backend.backend import Backend
from modelyard.backend.remote_blobs import RemoteBlobs
from modelyard.backend.transport import Transport
from modelyard.errors import InvalidNameError
from modelyard.operation import Operation, operations


def connect(url: str, token: str) -> Backend:
    """Reach the workspace that a server serves at `url`."""
    transport = Transport(url, token)

    def make(room: type) -> Any:
        return _remote(room, transport)

    return Backend(transport.url, make, RemoteBlobs(transport), transport.close)


def _remote(room: type, transport: Transport) -> Any:
    remote = type(f"Remote{room.__name__}", (room,), {d.name: _method(d, transport) for d in operations(room)})
    return object.__new__(remote)  # not initialised: there is no store on this side


def _method(declared: Operation, transport: Transport) -> Callable[..., Any]:
    decode = msgspec.json.Decoder(declared.result).decode
    names = [argument.name for argument in declared.arguments]

    def call(_self: object, *positional: Any, **named: Any) -> Any:
        given = dict(zip(names, positional, strict=False)) | named
        path = declared.path.format(**{a.name: _segment(a.name, str(given[a.name])) for a in declared.in_path})
        body = msgspec.json.encode(given[declared.body.name]) if declared.body else None
        query = _query(given[declared.query.name]) if declared.query and declared.query.name in given else None
        return decode(transport.call(declared.method, path, body, query) or b"null")

    return call


def _segment(what: str, text: str) -> str:
    """Write a text as one segment of a path: whatever it is, it names no other path."""
    if not text or "/" in text:  # no name has one, and on the way servers take the quoted form for the plain one
        raise InvalidNameError(what, text)
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


def _query(value: msgspec.Struct) -> dict[str, Any]:
    texts: dict[str, Any] = msgspec.to_builtins(value, str_keys=True)
    return {name: _text(one) for name, one in texts.items() if one is not None and one != []}


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def answers(url: str, within: float) -> bool:
    """Say whether a server answers at `url` within so many seconds."""
    deadline = time.monotonic() + within
    while True:
        try:
            return httpx.get(f"{url.rstrip('/')}/live", timeout=2).is_success
        except httpx.TransportError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
