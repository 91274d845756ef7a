"""A head that came before, byte for byte, is answered as it was the first time, and not when things have changed."""

import json
import socket
import time

import pytest

BODY = json.dumps({"data": [[1, 2, 3, 4]]}).encode()


@pytest.fixture
def server(double_folder, keys_file, start):
    return start(double_folder, "--keys-file", str(keys_file)).wait()


@pytest.fixture
def request_bytes(key):
    def make(body=BODY, *headers, method="POST", version="1.1"):
        lines = [f"{method} /score HTTP/{version}", "Host: localhost", f"Authorization: Bearer {key}", *headers]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body

    return make


class Client:
    """One connection, and what comes back on it."""

    def __init__(self, server, responses):
        self.connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.split = responses

    def ask(self, *parts, answers=1):
        for part in parts:
            self.connection.sendall(part)
            time.sleep(0.02 if len(parts) > 1 else 0)
        data = b""
        for _ in range(200):
            data += self.connection.recv(65536)
            if data.count(b"HTTP/1.1 ") == answers and data.endswith(b"}"):
                return self.split(data)
        raise AssertionError(data)

    def until_refused(self, data):
        end = time.monotonic() + 60
        while self.ask(data)[0][0] != 401:
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture
def client(server, responses):
    client = Client(server, responses)
    yield client
    client.connection.close()


def test_the_same_bytes_get_the_same_answer_under_another_id(client, request_bytes):
    answers = [client.ask(request_bytes())[0] for _ in range(6)]
    assert {(status, body) for status, _, body in answers} == {(200, answers[0][2])}
    assert len({headers["x-request-id"] for _, headers, _ in answers}) == 6


def test_another_body_under_a_known_head_gets_its_own_answer(client, request_bytes):
    for value in range(2, 9):
        body = BODY.replace(b"2", b"%d" % value)
        ((status, _, answer),) = client.ask(request_bytes(body))
        assert status == 200
        assert json.loads(answer)["prediction"] == [8 + value]


def test_an_id_that_the_client_gives_is_kept_and_one_that_cannot_be_is_not(client, request_bytes):
    for _ in range(4):
        ((_, headers, _),) = client.ask(request_bytes(BODY, "X-Request-Id: mine"))
        assert headers["x-request-id"] == "mine"
    bad = {client.ask(request_bytes(BODY, "X-Request-Id: not an id"))[0][1]["x-request-id"] for _ in range(4)}
    assert len(bad) == 4


def test_a_known_head_is_refused_once_its_key_is_no_key_any_more(client, request_bytes, keys_file):
    assert [client.ask(request_bytes())[0][0] for _ in range(4)] == [200] * 4
    other = keys_file.with_name("other.json")
    other.touch(0o600)
    other.write_text(json.dumps({"primary": "another-key-of-the-tests-9876543210"}))
    other.replace(keys_file)
    client.until_refused(request_bytes())


def test_a_wrong_key_stays_wrong_however_often_it_comes(client, request_bytes, key):
    wrong = request_bytes().replace(key.encode(), key.encode()[::-1][:-1] + b"!")
    assert [client.ask(wrong)[0][0] for _ in range(4)] == [401] * 4


def test_known_heads_in_one_piece_and_in_many(client, request_bytes):
    one = request_bytes()
    for _ in range(3):
        client.ask(one)
    assert [status for status, _, _ in client.ask(one + one + one, answers=3)] == [200] * 3
    for cut in (1, 20, len(one) - len(BODY), len(one) - 1):
        assert [status for status, _, _ in client.ask(one[:cut], one[cut:])] == [200]
    assert [status for status, _, _ in client.ask(one, one[:30], one[30:], answers=2)] == [200] * 2


def test_a_known_head_with_more_or_less_after_it_is_parsed_anew(client, request_bytes, server):
    one = request_bytes()
    for _ in range(3):
        client.ask(one)
    client.connection.sendall(one + b"rubbish that is no request\r\n\r\n")
    data = b""
    while part := client.connection.recv(65536):
        data += part
    assert [status for status, _, _ in client.split(data)] == [200, 400]
    assert server.request("GET", "/live")[0] == 200


def test_a_bad_body_under_a_known_head_gets_its_error_and_the_next_its_answer(client, request_bytes):
    for _ in range(3):
        client.ask(request_bytes())
    bad = BODY.replace(b"2", b"x")
    ((status, _, answer),) = client.ask(request_bytes(bad))
    assert (status, json.loads(answer)["code"]) == (400, "malformed-body")
    assert client.ask(request_bytes())[0][0] == 200


def test_a_head_is_forgotten_with_the_key_in_it(client, request_bytes, keys_file):
    for _ in range(4):
        assert client.ask(request_bytes())[0][0] == 200
    keys_file.write_text(json.dumps({"primary": "another-key-of-the-service-0123456789"}))
    client.until_refused(request_bytes())
