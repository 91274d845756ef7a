"""A small server that is wrong in a way that is chosen: what claims to notice such a fault is tried on it."""

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Iterator

_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
_ID = re.compile(rb"x-request-id: *([^\r]*)", re.IGNORECASE)
FAULTS = {"none", "mixed up", "dropped", "late", "impolite"}


class BrokenServer:
    """Gives back what it is sent, but for its fault.

    Parameters
    ----------
    fault
        ``mixed up``: 1 answer in 50 is that to the request before. ``dropped``: 1 connection in 50 is closed instead
        of an answer. ``late``: 1 answer in 5 takes 0.3 s. ``impolite``: 1 answer in 5 is a 503 that does not say when
        to try again.
    """

    def __init__(self, fault: str) -> None:
        if fault not in FAULTS:
            raise ValueError(fault)
        self._fault = fault
        self._count = 0
        self._last = b""
        self._ready = threading.Event()

    def serve(self) -> None:
        """Serve until stopped."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(int(_LENGTH.search(head)[1]))
                answer = await self._answer(_ID.search(head)[1], body)
                writer.write(answer)
                if not answer:
                    break
        writer.close()

    async def _answer(self, name: bytes, body: bytes) -> bytes:
        self._count += 1
        answer = json.dumps({"y": json.loads(body)["data"]}).encode()
        status, right = b"200 OK", answer
        match self._fault:
            case "mixed up" if self._count % 50 == 0:
                answer = self._last
            case "dropped" if self._count % 50 == 0:
                return b""
            case "late" if self._count % 5 == 0:
                await asyncio.sleep(0.3)
            case "impolite" if self._count % 5 == 0:
                status = b"503 Service Unavailable"
        self._last = right
        return b"HTTP/1.1 %b\r\nx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b" % (status, name, len(answer), answer)

    def wait(self) -> None:
        """Wait until it serves."""
        assert self._ready.wait(60)

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._stopped.set)


@contextlib.contextmanager
def broken(fault: str) -> Iterator[int]:
    """Have a server with a fault, in a thread; gives its port."""
    server = BrokenServer(fault)
    thread = threading.Thread(target=server.serve)
    thread.start()
    server.wait()
    try:
        yield server.port
    finally:
        server.stop()
        thread.join()
