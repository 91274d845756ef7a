"""A TCP proxy that cuts connections where it is told to."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterable, Iterator


class CuttingProxy:
    """Passes connections on to `port`; the n-th is cut, with a reset, after so many bytes in one direction.

    Parameters
    ----------
    up
        Whether the bytes that count are those from the client.
    cuts
        Where the connections are cut, one after another; those that follow are not.
    """

    def __init__(self, port: int, cuts: Iterable[int], *, up: bool) -> None:
        self._target = port
        self._cuts: Iterator[int] = iter(cuts)
        self._up = up
        self._lock = threading.Lock()
        self.cut = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client, next(self._cuts, None)), daemon=True).start()

    def _serve(self, client: socket.socket, cut: int | None) -> None:
        budget = _Budget(cut)
        with client:
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            with server:
                up = threading.Thread(target=self._pass, args=(client, server, budget if self._up else None))
                up.start()
                self._pass(server, client, None if self._up else budget)
                up.join()

    def _pass(self, source: socket.socket, sink: socket.socket, budget: "_Budget | None") -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                allowed = data if budget is None else budget.take(data)
                sink.sendall(allowed)
                if len(allowed) < len(data):
                    with self._lock:
                        self.cut += 1
                    _reset(source)
                    _reset(sink)
                    return
            sink.shutdown(socket.SHUT_WR)


class _Budget:
    def __init__(self, left: int | None) -> None:
        self._left = left

    def take(self, data: bytes) -> bytes:
        if self._left is None:
            return data
        allowed = data[: self._left]
        self._left -= len(allowed)
        return allowed


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
    one.close()
