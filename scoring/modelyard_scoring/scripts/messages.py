"""What the server and the process of a script say to each other, over sockets that both have."""

from __future__ import annotations

import socket
import struct
from math import inf
from typing import Any, ClassVar, Generic, Literal, TypeVar

import msgspec
from msgspec import Struct

from modelyard_scoring.failure import Failure

Mode = Literal["text", "arguments", "raw"]
Message = TypeVar("Message", bound=Struct)
_HEAD = struct.Struct("!dQ")
PART = 65_536
"""Bytes to receive at a time."""


class Order(Struct, frozen=True, kw_only=True):
    """What a process is to run.

    Parameters
    ----------
    root
        The folder of the code.
    entry
        The script, relative to `root`.
    at_once
        How many requests may run at the same time.
    debug_port
        Where to wait for a debugger before the script is imported; None does not wait.
    notes
        The file for notes of what the script touches; None for none.
    """

    root: str
    entry: str
    at_once: int
    log_level: str
    debug_port: int | None = None
    notes: str | None = None


class Phase(Struct, frozen=True, tag="phase"):
    """A phase of the start has begun."""

    name: str


class Up(Struct, frozen=True, kw_only=True, tag="up"):
    """The script is ready.

    Parameters
    ----------
    mode
        What ``run`` takes: the text of the body, arguments out of a JSON object, or the whole request.
    headers
        Whether it looks at the headers of requests.
    request, answer
        JSON Schema of what goes in and out; None where the script says nothing about it.
    """

    mode: Mode
    headers: bool = True
    request: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None


class Failed(Struct, frozen=True, tag="failed"):
    """The script cannot be made ready."""

    failure: Failure


Told = Phase | Up | Failed


class Call(Struct, frozen=True, kw_only=True, array_like=True):
    """One request; without headers, if the script looks at none."""

    count: ClassVar[int] = 1
    request_id: str
    method: str
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a request has no answer, as a `RequestError` has it."""

    code: str
    text: str
    facts: dict[str, Any]


class Result(Struct, frozen=True, kw_only=True, array_like=True):
    """The answer to one request; `headers` are whole lines, `seconds` is what the run took."""

    body: bytes = b""
    kind: bytes = b"application/json"
    status: int = 200
    headers: bytes = b""
    refusal: Refusal | None = None
    seconds: float = 0.0


_encoder = msgspec.msgpack.Encoder(enc_hook=repr)
RETURNED = _HEAD.pack(inf, 0)
"""The answer to a call that was not begun, since its time for that had passed."""


def write(into: bytearray, message: Struct, until: float = inf) -> None:
    """Append a message, with its length and the time until which it is to be begun before it."""
    at = len(into)
    _encoder.encode_into(message, into, at + _HEAD.size)
    _HEAD.pack_into(into, at, until, len(into) - at - _HEAD.size)


def frame(message: Struct) -> bytearray:
    """Write a message alone."""
    data = bytearray()
    write(data, message)
    return data


class Inbox(Generic[Message]):
    """What has come on a socket: messages of one kind, the last of them perhaps not whole yet."""

    def __init__(self, kind: Any) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._data += data

    def take(self) -> tuple[float, Message | None] | None:
        """Give the next message and the time until which it is to be begun; None if it is not whole yet.

        In place of the message is None where a call came back.
        """
        data = self._data
        if len(data) < _HEAD.size:
            return None
        until, length = _HEAD.unpack_from(data)
        end = _HEAD.size + length
        if len(data) < end:
            return None
        message = self._decode(memoryview(data)[_HEAD.size : end]) if length else None
        del data[:end]
        return until, message


def receive(line: socket.socket, inbox: Inbox[Message]) -> tuple[float, Message | None]:
    """Wait for the next message, as `Inbox.take` gives it.

    Raises
    ------
    EOFError
        If the other side is gone.
    """
    while (found := inbox.take()) is None:
        inbox.feed(whole(line.recv(PART)))
    return found


def whole(data: bytes) -> bytes:
    """Give what was received.

    Raises
    ------
    EOFError
        If it is nothing: the other side is gone.
    """
    if not data:
        raise EOFError
    return data
