"""Requests with random damage: every answer is below 500, and the server goes on."""

import random
import re
import socket

import pytest

HEADS = [
    b"POST /score HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n",
    b"POST /score/double?a=b HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\nX-Request-Id: abc\r\n\r\n18\r\n",
    b"GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    b"POST /score HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Type: text/csv\r\nContent-Length: 8\r\n\r\n",
]
BODIES = [b'{"data": [[1, 2, 3, 4]]}', b'{"data": [[1, 2, 3, 4]]}\r\n0\r\n\r\n', b"", b"1,2,3,4\n"]
PIECES = [
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b":",
    b" ",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"\xff",
]
PIECES += [
    b"[",
    b"]",
    b'"',
    b"{",
    b"-",
    b"1e999",
    b"NaN",
    b"null",
    b"0\r\n\r\n",
    b"Upgrade: x\r\nConnection: Upgrade\r\n",
]
SENT = 600


def damaged(chance):
    data = bytearray()
    for _ in range(chance.randint(1, 3)):
        which = chance.randrange(len(HEADS))
        data += HEADS[which] + BODIES[which]
    for _ in range(chance.randint(0, 4)):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at : at + chance.randint(1, 20)]
            case 2:
                data[at:at] = chance.choice(PIECES)
            case 3:
                data[at:at] = data[at : at + chance.randint(1, 50)]
        if not data:
            data += b"G"
    return bytes(data)


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    return start_in_module(make_folders.write({"double": make_folders.double}), "--access-log", "errors").wait()


def statuses(data):
    """The statuses of all answers in `data`."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) [A-Z]", data)]


def test_damaged_requests_never_harm_the_server(server):
    chance = random.Random(7)
    seen = []
    for _ in range(SENT):
        data = damaged(chance)
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            try:
                for start in range(0, len(data), cut := chance.randint(1, 400)):
                    connection.sendall(data[start : start + cut])
                connection.shutdown(socket.SHUT_WR)
                received = b"".join(iter(lambda: connection.recv(65536), b""))
            except TimeoutError:
                pytest.fail(f"no end after {data!r}")
            except OSError:  # it was cut off
                continue
        seen += statuses(received)
    assert len(seen) > SENT // 2
    assert {200, 400} <= set(seen)
    assert max(seen) < 500
    workers = server.workers()
    assert server.score({"data": [[1, 2, 3, 4]]})[0] == 200
    assert server.stop() == 0
    assert len(workers) == 1
    assert "Traceback" not in server.log
    assert "exited with code" not in server.log
