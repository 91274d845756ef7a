"""Those who serve: how each is started, until it answers its first request, and how it is ended."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from msgspec import Struct
from tests.bench.ground import Ground
from tests.bench.machine import descendants, pinned
from tests.bench.serving.form import Form
from tests.bench.side import ProgramError, end

PROGRAMS = Path(__file__).parent / "programs"
_PATIENCE = 60
"""Seconds in which a server has to answer."""
_FAREWELL = 5
"""Seconds that a server has to end by itself."""


class LeftOutError(Exception):
    """A contender takes no part, for a reason that is reported."""


class Launch(Struct, frozen=True, kw_only=True):
    """What is started: a command, its environment beyond what any program needs, and where it listens."""

    command: list[str]
    port: int
    environment: dict[str, str] = {}


class Contender(Struct, frozen=True, kw_only=True):
    """One who serves the digits.

    Parameters
    ----------
    launch
        Prepares a start, in an empty folder.
    form
        How it is asked.
    headers
        What each request carries beside what the form wants.
    package
        The distribution that is its own, by whose name the file with its requirements goes.
    """

    name: str
    launch: Callable[[Ground, Path], Launch]
    form: Form
    headers: dict[str, str] = {}
    package: str = ""


class Running(Struct, frozen=True, kw_only=True):
    """A server that runs; `took` is the seconds from its start to its first answer."""

    contender: Contender
    port: int
    process: int
    took: float
    log: Path

    def processor_seconds(self) -> float:
        """Add up what the server's processes have used of the processor."""
        found = 0
        for process in descendants(self.process):
            _, _, after = Path(f"/proc/{process}/stat").read_text().rpartition(")")
            found += sum(map(int, after.split()[11:13]))  # of threads that have ended, too
        return found / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(ground: Ground, contender: Contender, first: bytes, folder: Path) -> Iterator[Running]:
    """Start a server on its core, wait until it answers the `first` request, and end it afterwards."""
    launch, log = contender.launch(ground, folder), folder / "server.log"
    environment = ground.plain.environment() | {"PYTHONPATH": str(PROGRAMS)} | launch.environment
    start = time.perf_counter()
    with log.open("wb") as output, pinned(ground.cores.one):
        process = subprocess.Popen(
            launch.command, env=environment, cwd=folder, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    try:
        _wait(process, contender, first, launch.port, log)
        took = time.perf_counter() - start
        yield Running(contender=contender, port=launch.port, process=process.pid, took=took, log=log)
    finally:
        end(process, _FAREWELL)


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], contender: Contender, first: bytes, port: int, log: Path) -> None:
    deadline, status = time.monotonic() + _PATIENCE, 0
    head, _, body = first.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    method, path, _ = line.split(" ")
    headers = dict(one.split(": ", 1) for one in lines)
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        try:
            connection.request(method, path, body, headers)
            if (status := connection.getresponse().status) == 200:
                return
            time.sleep(0.02)
        except (OSError, HTTPException):
            time.sleep(0.005)
        finally:
            connection.close()
    said = f"The last status was {status}.\n{log.read_text(errors='replace')}"
    raise ProgramError(contender.name, process.poll(), said)
