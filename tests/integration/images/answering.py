"""A TCP proxy in front of a registry that answers some connections by itself."""

import contextlib
import socket
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    """Make an HTTP answer after which the connection ends."""
    told = {"content-length": str(len(body)), "connection": "close", **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode() + body


class AnsweringProxy:
    """Gives the n-th connection the n-th of `answers`; those for which there is none pass on to `port`."""

    def __init__(self, port: int, answers: Iterable[bytes]) -> None:
        self._target = port
        self._answers = iter(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.name = f"127.0.0.1:{self.port}"
        self.given = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                given = next(self._answers, None)
                work = (self._pass_on, (client,)) if given is None else (self._reply, (client, given))
                threading.Thread(target=work[0], args=work[1], daemon=True).start()

    def _reply(self, client: socket.socket, given: bytes) -> None:
        self.given += 1
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (data := client.recv(1 << 16)):
                head += data
            client.sendall(given)
            client.shutdown(socket.SHUT_WR)
            while client.recv(1 << 16):
                pass

    def _pass_on(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            up = threading.Thread(target=_copy, args=(client, server), daemon=True)
            up.start()
            _copy(server, client)
            up.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
