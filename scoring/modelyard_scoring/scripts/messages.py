"""What the server and the process of a script say to each other, over sockets that both have."""

from __future__ import annotations

import socket
import struct
from typing import Any, Literal

import msgspec
from msgspec import Struct

from modelyard_scoring.failure import Failure

Mode = Literal["text", "arguments", "raw"]
_LENGTH = struct.Struct("!Q")
_PART = 1 << 18


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
    """

    root: str
    entry: str
    at_once: int
    log_level: str
    debug_port: int | None = None


class Phase(Struct, frozen=True, tag="phase"):
    """A phase of the start has begun."""

    name: str


class Up(Struct, frozen=True, kw_only=True, tag="up"):
    """The script is ready.

    Parameters
    ----------
    mode
        What ``run`` takes: the text of the body, arguments out of a JSON object, or the whole request.
    request, answer
        JSON Schema of what goes in and out; None where the script says nothing about it.
    """

    mode: Mode
    request: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None


class Failed(Struct, frozen=True, tag="failed"):
    """The script cannot be made ready."""

    failure: Failure


Told = Phase | Up | Failed


class Call(Struct, frozen=True, kw_only=True):
    """One request."""

    request_id: str
    method: str
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes
    count: int = 1


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a request has no answer, as a `RequestError` has it."""

    code: str
    text: str
    facts: dict[str, Any]


class Result(Struct, frozen=True, kw_only=True):
    """The answer to one request; `headers` are whole lines."""

    body: bytes = b""
    kind: bytes = b"application/json"
    status: int = 200
    headers: bytes = b""
    refusal: Refusal | None = None


def frame(message: Struct) -> bytes:
    """Write a message with its length before it."""
    data = msgspec.msgpack.encode(message, enc_hook=repr)
    return _LENGTH.pack(len(data)) + data


def send(line: socket.socket, message: Struct) -> None:
    """Send a message whole."""
    line.sendall(frame(message))


def length(head: bytes | bytearray) -> int:
    """Tell how long the message after these bytes is."""
    (found,) = _LENGTH.unpack(head)
    return int(found)


HEAD = _LENGTH.size


def receive(line: socket.socket) -> bytes:
    """Receive the bytes of one message, where no other comes before it is answered.

    Raises
    ------
    EOFError
        If the other side is gone.
    """
    data = line.recv(_PART)
    if len(data) >= HEAD and len(data) - HEAD == length(data[:HEAD]):
        return data[HEAD:]
    whole = bytearray(data)
    while data and (len(whole) < HEAD or len(whole) - HEAD < length(whole[:HEAD])):
        data = line.recv(_PART)
        whole += data
    if not data:
        raise EOFError
    return bytes(whole[HEAD:])


def receive_next(line: socket.socket) -> bytes:
    """Receive the bytes of one message, where others may follow at once.

    Raises
    ------
    EOFError
        If the other side is gone.
    """
    return _exactly(line, length(_exactly(line, HEAD)))


def _exactly(line: socket.socket, count: int) -> bytes:
    whole = b""
    while len(whole) < count:
        data = line.recv(count - len(whole))
        if not data:
            raise EOFError
        whole += data
    return whole
