"""Thousands of idle connections, and clients that are slow on purpose, are not felt by the others."""

import asyncio
import contextlib
import http.client
import re
import resource
import socket
import threading
import time
from pathlib import Path

import pytest
from tests.integration.scoring.crowd import FULL, Crowd, close

IDLE = 5000 if FULL else 400
SLOW = 500 if FULL else 60
PAUSE = 0.3
LONG = 20  # seconds that no server should put up with any of them
ESTABLISHED = 1
LIVE = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(autouse=True)
def descriptors():
    """Allow this process as many connections as it needs; the server sees to its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 20_000)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def proportional(pid):
    """The proportional set size of a process in bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def live_seconds(port, count):
    """How long ``/live`` takes, each time on a connection of its own."""
    seconds = []
    for _ in range(count):
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/live")
        assert connection.getresponse().status == 200
        connection.close()
        seconds.append(time.monotonic() - began)
    return sorted(seconds)


def test_idle_connections_cost_little_and_slow_nobody(double_folder, start):
    server = start(double_folder, "--access-log", "off").wait()
    (worker,) = server.workers()
    quiet = live_seconds(server.port, 100)
    with contextlib.ExitStack() as held:
        for number in range(100 + IDLE):
            if number == 100:  # the first ones warm up what all share
                before = proportional(worker)
            connection = held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            connection.sendall(LIVE)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        each = (proportional(worker) - before) / IDLE
        busy = live_seconds(server.port, 100)
        with Crowd(server.port) as crowd:
            crowd.wait_for(500)
    times = ", ".join(f"{seconds * 1e3:.1f} ms" for seconds in (quiet[50], quiet[98], busy[50], busy[98]))
    print(f"{each / 1000:.1f} kB each; /live at the median and p99, without and with them: {times}")
    assert each < 20_000
    assert crowd.failed == []
    if FULL:
        assert busy[98] < 0.05


async def drip(port, head, each):
    """Send a byte now and then; how long the server put up with it."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(OSError):
        writer.write(head)
        while not reader.at_eof() and time.monotonic() - began < LONG:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(65536), PAUSE)
                continue
            writer.write(each)
    await close(writer)
    return time.monotonic() - began


async def read_slowly(port):
    """Ask for much and read a byte now and then; how long the server put up with it."""
    began = time.monotonic()
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        asked = LIVE.replace(b"/live", b"/openapi.json") * 2000
        # what has arrived can be read after a reset too: the state of the connection tells
        while connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO) == ESTABLISHED:
            if time.monotonic() - began > LONG:
                break
            with contextlib.suppress(OSError):
                asked = asked[connection.send(asked[:4096]) :]
                connection.recv(1)
            await asyncio.sleep(PAUSE / 4)
    return time.monotonic() - began


POST = b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
KINDS = {
    "head": lambda port: drip(port, b"GET /live HTTP/1.1\r\n", b"X: y\r\n"),
    "body": lambda port: drip(port, POST + b"Content-Length: 10000\r\n\r\n", b" "),
    "chunks": lambda port: drip(port, POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "reader": read_slowly,
}


def test_clients_that_are_slow_on_purpose_are_cut_off_and_nobody_else_is(double_folder, start):
    options = ["--header-timeout", "2", "--body-timeout", "3", "--access-log", "off"]
    server = start(double_folder, *options).wait()
    results = []

    async def attack():
        kinds = list(KINDS.values())
        results.extend(await asyncio.gather(*(kinds[n % len(kinds)](server.port) for n in range(SLOW))))

    with Crowd(server.port) as crowd:
        attackers = threading.Thread(target=lambda: asyncio.run(attack()))
        attackers.start()
        attackers.join(60)
        crowd.wait_for(10_000 if FULL else 500)
    print(f"{SLOW} cut off after {min(results):.1f} to {max(results):.1f} s; {crowd.answered} others answered")
    assert len(results) == SLOW
    assert max(results) < 15
    assert crowd.failed == []
    end = time.monotonic() + 60
    while not re.search(rb"^modelyard_scoring_connections [01]$", server.request("GET", "/metrics")[2], re.MULTILINE):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_low_limit_of_descriptors_is_raised(double_folder, start):
    launcher = ["sh", "-c", 'ulimit -Sn 60; exec "$@"', "sh"]
    server = start(double_folder, "--max-connections", "150", launcher=launcher).wait()
    with contextlib.ExitStack() as held:
        for _ in range(120):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            connection.sendall(LIVE)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
