"""Servers that are asked whether they are ready: every answer is one line, and none is waited for too long."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from modelyard_deploy.server import unready


@pytest.fixture
def server() -> Iterator[Callable[[Callable[[socket.socket], object]], str]]:
    """Give what serves one connection as it is told, and says at what address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(answer: Callable[[socket.socket], object]) -> str:
            def one() -> None:
                client, _ = listening.accept()
                with client:
                    client.recv(65536)
                    answer(client)

            threads.append(threading.Thread(target=one))
            threads[0].start()
            return f"http://127.0.0.1:{listening.getsockname()[1]}"

        threads: list[threading.Thread] = []
        yield serve
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", ""),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\nwarming up", "/ready answers 503: warming up"),
        (b"220 mail.example ESMTP\r\n", "it does not answer in HTTP: '220 mail.example ESMTP\\r\\n'"),
        (b"", "it does not answer in HTTP: ''"),
        (b"\xff" * 100_000, "it does not answer in HTTP"),
    ],
)
def test_an_answer_is_one_line(
    server: Callable[[Callable[[socket.socket], object]], str], said: bytes, problem: str
) -> None:
    def answer(client: socket.socket) -> None:
        try:
            client.sendall(said)
        except OSError:  # who asks has heard enough
            return

    found = unready(server(answer))
    assert (found.startswith(problem), bool(found), "\n" in found) == (True, bool(problem), False)


def test_a_server_that_answers_byte_by_byte_is_given_up(
    server: Callable[[Callable[[socket.socket], object]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelyard_deploy.server._PATIENCE", 0.3)
    heard = threading.Event()

    def drip(client: socket.socket) -> None:
        while not heard.is_set():
            client.sendall(b"H")
            time.sleep(0.02)

    def answer(client: socket.socket) -> None:
        try:
            drip(client)
        except OSError:
            return

    found = unready(server(answer))
    heard.set()
    assert found == "it does not answer: timed out"


def test_nobody_at_the_address_is_said() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert unready(f"http://127.0.0.1:{bound.getsockname()[1]}") == "it does not answer: Connection refused"
