"""A revision that says which one it is, gives back the rows that it gets, and counts what it was asked.

Run as ``python replica.py REVISION``: it writes its port as a line, and ends with its input. What it does is told by a
PUT of JSON to ``/behave``: ``ready``, ``seconds`` (until an answer), ``held`` (no answer before the next PUT),
``status``, ``error`` (in the header that says which), ``key`` (which it then asks for), and ``more`` (which it then
answers, too).
"""

import asyncio
import contextlib
import json
import os
import sys

READY = {"ready": True, "seconds": 0.0, "status": 200, "error": "", "key": None, "more": {}}


class Replica:
    """Answers; `seen` has the last request's headers."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        self.behaviour = dict(READY)
        self.free = asyncio.Event()
        self.free.set()
        self.count = 0
        self.seen: dict[str, str] = {}

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, path, _ = first.split(" ")
                status, answer = await self.answer(method, path, headers, body)
                content = json.dumps(answer).encode()
                head = f"HTTP/1.1 {status} Any\r\nx-answered-by: {self.revision}\r\n"
                head += f"x-modelyard-error: {self.behaviour['error']}\r\n" if status != 200 else ""
                head += f"x-request-id: {headers.get('x-request-id', '')}\r\ncontent-length: {len(content)}\r\n\r\n"
                writer.write(head.encode() + content)
        writer.close()

    async def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
        match method, path:
            case "GET", "/ready":
                return (200 if self.behaviour["ready"] else 503), {}
            case "GET", "/asked":
                return 200, {"count": self.count, "seen": self.seen}
            case "PUT", "/behave":
                self.behaviour |= json.loads(body)
                (self.free.clear if self.behaviour.pop("held", False) else self.free.set)()
                return 200, {}
        self.count += 1
        self.seen = headers
        if self.behaviour["key"] not in (None, headers.get("x-api-key")):
            return 401, {}
        await asyncio.sleep(self.behaviour["seconds"])
        await self.free.wait()
        answer = {"y": json.loads(body).get("data")} if body else {"path": path}
        return self.behaviour["status"], answer | self.behaviour["more"]


async def serve(revision: str) -> None:
    server = await asyncio.start_server(Replica(revision).talk, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # whoever is connected learns it from the system


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
