"""Threads of the server stay with a connection for a moment, and leave it to gunicorn's poller after."""

import select
import socket
from types import SimpleNamespace

import pytest
from gunicorn.workers.gthread import ThreadWorker

from modelyard.server.worker import LingeringWorker


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Let gunicorn's own handling read what comes, and keep it; the connection ends with an empty read."""
    seen: list[bytes] = []

    def handle(_self: object, conn: SimpleNamespace) -> bool:
        seen.append(conn.sock.recv(100))
        return bool(seen[-1])

    monkeypatch.setattr(ThreadWorker, "handle", handle)
    return seen


def worker(*, alive: bool = True, connections: int = 1) -> LingeringWorker:
    made = LingeringWorker.__new__(LingeringWorker)
    made.alive, made.nr_conns, made.cfg = alive, connections, SimpleNamespace(threads=2)
    return made


def test_requests_that_come_at_once_are_handled_by_one_thread(handled: list[bytes]) -> None:
    server, client = socket.socketpair()
    with server, client:
        client.sendall(b"a" * 100 + b"b" * 100)
        assert worker().handle(SimpleNamespace(sock=server)) is True
        assert [one[:1] for one in handled] == [b"a", b"b"]
        assert not select.select([server], [], [], 0)[0]


def test_the_end_of_the_connection_is_noticed(handled: list[bytes]) -> None:
    server, client = socket.socketpair()
    with server:
        client.sendall(b"a")
        client.close()
        assert worker().handle(SimpleNamespace(sock=server)) is False
        assert handled == [b"a", b""]


@pytest.mark.parametrize("busy", [worker(connections=3), worker(alive=False)], ids=["crowded", "stopping"])
def test_a_thread_that_is_needed_elsewhere_goes(handled: list[bytes], busy: LingeringWorker) -> None:
    server, client = socket.socketpair()
    with server, client:
        client.sendall(b"a" * 100 + b"b")
        assert busy.handle(SimpleNamespace(sock=server)) is True
        assert len(handled) == 1
