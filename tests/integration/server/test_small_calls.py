"""Connections that are kept open, and closed by the other side at the worst time."""

import socket
import threading
from collections.abc import Iterator

import pytest

from modelyard.backend.small_calls import SmallCalls

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Fickle:
    """A server that answers `answers` requests on each connection, and closes it."""

    def __init__(self, answers: int) -> None:
        self.connections = 0
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/prefix"
        self.requests: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                for _ in range(self._answers):
                    self.requests.append(connection.recv(10_000))
                    connection.sendall(ANSWER)


@pytest.fixture
def fickle(request: pytest.FixtureRequest) -> Iterator[Fickle]:
    server = Fickle(request.param)
    yield server
    server.close()


def calls_of(server: Fickle) -> SmallCalls:
    return SmallCalls(server.url, {"authorization": "Bearer t"}, timeout=10)


@pytest.mark.parametrize("fickle", [2], indirect=True)
def test_a_connection_is_used_again_and_opened_anew_when_the_server_closed_it(fickle: Fickle) -> None:
    calls = calls_of(fickle)
    assert [calls.call("GET", "/x", None, {"k": "v"}) for _ in range(5)] == [(200, b"ok")] * 5
    assert fickle.connections == 3
    assert fickle.requests[0].startswith(b"GET /prefix/x HTTP/1.1\r\n")
    assert b"authorization: Bearer t\r\n" in fickle.requests[0]
    calls.close()


@pytest.mark.parametrize("fickle", [0], indirect=True)
def test_a_server_that_never_answers_is_an_error(fickle: Fickle) -> None:
    calls = calls_of(fickle)
    with pytest.raises(ConnectionError):
        calls.call("GET", "/x", None, {})
    calls.close()


def test_a_proxy_in_the_environment_counts_unless_the_server_is_excepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert not SmallCalls("http://server.example:8630", {}, 1).is_direct
    assert SmallCalls("http://127.0.0.1:8630", {}, 1).is_direct
