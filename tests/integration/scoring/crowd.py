"""Clients that ask a server all the while, each with a number that has to come back."""

import asyncio
import contextlib
import json
import os
import threading
import time

# the short form of a test shows that it holds, the full one how often
FULL = bool(os.environ.get("MODELYARD_FULL"))


def request(nonce, *, close, key=None):
    body = json.dumps({"data": [[nonce, 1, 0, 0]]}).encode()
    head = b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    if key is not None:
        head += f"x-api-key: {key}\r\n".encode()
    return head + b"Connection: close\r\n" * close + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


async def read_answer(reader):
    """Read one answer: status, whether it is the last, and its document."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), b"connection: close" in head, json.loads(await reader.readexactly(length))


async def close(writer):
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


class Crowd:
    """Some clients that open a connection for each request, and some that keep theirs as long as they may."""

    def __init__(self, port, *, fresh=6, kept=4, key=None):
        self.port = port
        self.key = key
        self.kinds = [False] * fresh + [True] * kept
        self.answered = 0
        self.failed = []
        self._stop = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop = True
        self._thread.join()

    def wait_for(self, count, timeout=120):
        """Wait until that many answers have come."""
        end = time.monotonic() + timeout
        while self.answered < count:
            assert time.monotonic() < end, (self.answered, self.failed[:5])
            time.sleep(0.02)

    async def _run(self):
        await asyncio.gather(*(self._ask(number, keep) for number, keep in enumerate(self.kinds)))

    async def _ask(self, number, keep):
        nonce = number
        reader = writer = None
        while not self._stop:
            nonce += len(self.kinds)
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(request(nonce % 100_000, close=not keep, key=self.key))
                status, last, answer = await asyncio.wait_for(read_answer(reader), 30)
                if (status, answer.get("prediction")) != (200, [nonce % 100_000 + 1]):
                    self.failed.append((nonce, status, answer))
                self.answered += 1
            except (OSError, EOFError, TimeoutError) as error:
                self.failed.append((nonce, keep, repr(error)))
                last = True
            if last and writer is not None:
                await close(writer)
                writer = None
        if writer is not None:
            await close(writer)
