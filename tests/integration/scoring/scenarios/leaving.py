"""R21: clients that leave in the middle, at every point; nothing of theirs stays."""

import contextlib
import re
import socket
import struct
import time
from collections.abc import Callable

from msgspec import Struct
from tests.integration.scoring.scenarios.nonces import check, make, rows
from tests.integration.scoring.scenarios.processes import Held, held
from tests.integration.scoring.scenarios.wire import post, take

_RESET = struct.pack("ii", 1, 0)
_HEAD = b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n"
_METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Left(Struct, frozen=True, kw_only=True):
    """What the server held before and after, and what else was seen."""

    departures: int
    before: Held
    after: Held
    in_flight: int
    connections: int
    wrong: int
    checked: int


def _nothing(client: socket.socket, number: int) -> None: ...


def _in_the_head(client: socket.socket, number: int) -> None:
    client.sendall(_HEAD[:40])


def _after_the_head(client: socket.socket, number: int) -> None:
    client.sendall(_HEAD)


def _in_the_body(client: socket.socket, number: int) -> None:
    client.sendall(_HEAD + b"x" * 2000)


def _in_a_chunk(client: socket.socket, number: int) -> None:
    client.sendall(b"POST /score HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[[1")


def _while_computing(client: socket.socket, number: int) -> None:
    client.sendall(make(number))


def _with_many_under_way(client: socket.socket, number: int) -> None:
    client.sendall(b"".join(make(number + more) for more in range(20)))


def _in_the_answer(client: socket.socket, number: int) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.sendall(post(b"[%b[0,0,0,0]]" % (b"[1,2,3,4]," * 999)) * 20)
    client.recv(100)


def _after_half_closing(client: socket.socket, number: int) -> None:
    client.sendall(make(number))
    client.shutdown(socket.SHUT_WR)


MOMENTS: tuple[Callable[[socket.socket, int], None], ...] = (
    _nothing,
    _in_the_head,
    _after_the_head,
    _in_the_body,
    _in_a_chunk,
    _while_computing,
    _with_many_under_way,
    _in_the_answer,
    _after_half_closing,
)


def leave(port: int, pid: int, count: int) -> Left:
    """Let `count` clients leave a server of one worker, by FIN and by RST in turn, and look at what it holds."""
    _depart(port, count // 4, 0)  # what is made once, such as a thread's arena, is there from now on
    _settle(port)
    before = held(pid)
    wrong = _depart(port, count, count)
    in_flight, connections = _settle(port)
    return Left(
        departures=count,
        before=before,
        after=held(pid),
        in_flight=in_flight,
        connections=connections,
        wrong=wrong,
        checked=count // 20,
    )


def assert_nothing_stays(left: Left, count: int, *, memory: float = 0.01, slack: int = 512 * 1024) -> None:
    """Claim that at least `count` left nothing behind; `slack` is what an allocator may keep of its own."""
    assert left.departures >= count, f"{left.departures} departures say nothing"
    assert left.checked >= count // 20
    assert left.wrong == 0, left
    assert left.in_flight == 1, left  # the request that asks
    assert left.connections <= 1, left
    assert left.after.threads <= left.before.threads, left
    assert left.after.files <= left.before.files, left
    assert left.after.memory <= left.before.memory * (1 + memory) + slack, left


def _depart(port: int, count: int, first: int) -> int:
    wrong = 0
    for number in range(first, first + count):
        moment = MOMENTS[number % len(MOMENTS)]
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            with contextlib.suppress(ConnectionError):
                moment(client, number)
            if number // len(MOMENTS) % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if number % 20 == 0:
            wrong += not _scored_right(port, number)
    return wrong


def _scored_right(port: int, number: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(make(number))
        buffer = bytearray()
        while (answer := take(buffer)) is None:
            part = client.recv(65536)
            if not part:
                return False
            buffer += part
    return answer.status == 200 and check(number, answer) and len(rows(number)) > 0


def _settle(port: int) -> tuple[int, int]:
    """Wait until the server has no other request than the one that asks, or it is clear that it will not."""
    found = (-1, -1)
    for _ in range(600):
        found = _gauges(port)
        if found[0] == 1 and found[1] <= 1:
            break
        time.sleep(0.1)
    return found


def _gauges(port: int) -> tuple[int, int]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(_METRICS.replace(b"Host", b"Connection: close\r\nHost"))
        text = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    names = ("in_flight", "connections")
    first, second = (re.search(rf"^modelyard_scoring_{name} (\d+)$", text, re.MULTILINE) for name in names)
    return int(first[1]), int(second[1])
