"""R34: nobody reads the log: scoring goes on, and the lines that were lost are counted."""

import fcntl
import json
import os
import re
import select
import socket
import threading
import time
from typing import Any

from msgspec import Struct
from tests.integration.scoring.scenarios.nonces import check, make
from tests.integration.scoring.scenarios.report import Report
from tests.integration.scoring.scenarios.traffic import Load, drive

_SMALL = 4096
_DROPPED = re.compile(r"(\d+) lines of the log were dropped")


class BlockedLog(Struct, frozen=True, kw_only=True):
    """The traffic while the log was read, and while it was not; and what the log said when it was read again."""

    read: Report
    blocked: Report
    full: bool
    probes: int
    dropped: int
    alive: int


class Pipe:
    """A pipe that holds few bytes, for a server's log."""

    def __init__(self) -> None:
        self._read, self.write_end = os.pipe()
        fcntl.fcntl(self._read, fcntl.F_SETPIPE_SZ, _SMALL)
        self._read_on = threading.Event()
        self._read_on.set()
        self._lines = bytearray()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while self._read_on.wait() and (part := os.read(self._read, 65536)):
            self._lines += part
        os.close(self._read)

    def block(self) -> None:
        """Read no more, after what is being read."""
        self._read_on.clear()

    def read_on(self) -> None:
        """Read again."""
        self._read_on.set()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines read so far."""
        return [json.loads(line) for line in bytes(self._lines).splitlines(keepends=True) if line.endswith(b"\n")]

    def full(self) -> bool:
        """Whether nothing more goes in, now or within a minute: a server gathers lines before it writes them."""
        end = time.monotonic() + 60
        while (room := select.select((), (self.write_end,), (), 0)[1]) and time.monotonic() < end:
            time.sleep(0.01)
        return not room

    def join(self) -> None:
        """Read to the end, once the server has ended."""
        os.close(self.write_end)
        self._read_on.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "somebody holds the log still"


def block(server: Any, pipe: Pipe, *, rate: float, seconds: float, flood: int) -> BlockedLog:
    """Send traffic, each request of which is a line of the log, with a reader and without; then let it be read.

    Parameters
    ----------
    flood
        How many further requests are sent meanwhile, so that more lines wait than are kept.
    """
    load = Load(make=make, check=check, connections=64)
    read = drive(server.port, load, rate, seconds)
    pipe.block()
    probes = _probe(server.port, flood)
    blocked = drive(server.port, load, rate, seconds)
    alive = server.request("GET", "/live")[0]
    full = pipe.full()
    pipe.read_on()
    dropped = _until_told(pipe)
    return BlockedLog(read=read, blocked=blocked, full=full, probes=probes, dropped=dropped, alive=alive)


def assert_unmoved(found: BlockedLog, *, samples: int, slower: float) -> None:
    """Claim that the log was blocked, that nothing else was, and that it said later what it lost."""
    assert found.full, "the log was never blocked"
    found.read.assert_min_samples(samples).assert_all_answered()
    found.blocked.assert_min_samples(samples).assert_all_answered()
    assert found.blocked.latency(0.99) <= found.read.latency(0.99) * slower + 0.05, found
    assert found.alive == 200
    assert found.dropped > 0


def _probe(port: int, count: int) -> int:
    """Send many requests on one connection without waiting; how many were answered."""
    one = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        threading.Thread(target=client.sendall, args=(one * count,)).start()
        answers, tail = 0, b""
        while answers < count and (part := client.recv(1 << 20)):
            answers += (tail + part).count(b"HTTP/1.1 200")
            tail = (tail + part)[-11:]
    return answers


def _until_told(pipe: Pipe) -> int:
    """Wait until the log says how many lines it lost."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        told = [found for line in pipe.lines if (found := _DROPPED.match(str(line.get("text"))))]
        if told:
            return sum(int(found[1]) for found in told)
        time.sleep(0.1)
    return 0
