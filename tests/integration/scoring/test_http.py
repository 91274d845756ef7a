"""HTTP/1.1 as clients, careless and hostile ones too, speak it."""

import json
import select
import socket
import time

import pytest

BODY = b'{"data": [[1, 2, 3, 4]]}'
HEAD = b"POST /score HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
SCORE = HEAD + b"Content-Length: 24\r\n\r\n" + BODY


def post(body=BODY, extra=b""):
    return HEAD + extra + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def chunked(*chunks):
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    folders = make_folders
    folder = folders.write({"double": folders.double}, limits={"max_body_bytes": 20_000, "max_rows": 100})
    return start_in_module(folder).wait()


@pytest.fixture(scope="module")
def hasty(make_folders, start_in_module):
    """A server that waits for nobody."""
    options = ["--header-timeout", "0.6", "--body-timeout", "0.8", "--idle-timeout", "1.5"]
    return start_in_module(make_folders.write({"double": make_folders.double}), *options).wait()


@pytest.fixture
def ask(server, responses):
    """Send bytes, end the sending side, and split what comes back."""
    return lambda data: responses(server.raw(data, shut=True))


def test_pipelined_requests_are_answered_in_order(server, responses):
    bodies = [json.dumps({"data": [[n, 0, 0, 0]]}).encode() for n in range(300)]
    answers = responses(server.raw(b"".join(map(post, bodies)), shut=True))
    assert [status for status, _, _ in answers] == [200] * 300
    assert [json.loads(body)["prediction"] for _, _, body in answers] == [[float(n)] for n in range(300)]


def test_many_requests_may_come_at_once(server, responses):
    count = 5000
    answers = responses(server.raw(b"GET /live HTTP/1.1\r\nHost: here\r\n\r\n" * count, shut=True))
    assert [status for status, _, _ in answers] == [200] * count


def test_pipelined_errors_keep_their_place(ask):
    answers = ask(SCORE + post(b"{") + b"GET /live HTTP/1.1\r\nHost: here\r\n\r\n" + SCORE)
    assert [status for status, _, _ in answers] == [200, 400, 200, 200]


def test_bytes_may_come_one_at_a_time(server, responses):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in SCORE:
            connection.sendall(bytes([byte]))
        connection.shutdown(socket.SHUT_WR)
        assert responses(connection.recv(65536))[0][0] == 200


def test_http_1_0_is_answered_and_closed(server, responses):
    ((status, headers, body),) = responses(server.raw(b"GET / HTTP/1.0\r\n\r\n"))
    assert (status, headers["connection"], body) == (200, "close", b"Healthy\n")


def test_http_1_0_may_keep_the_connection(ask):
    request = b"GET /live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    assert [headers.get("connection") for _, headers, _ in ask(request * 2)] == ["keep-alive"] * 2


def test_connection_close_closes_after_the_answer(server, responses):
    ((status, headers, _),) = responses(server.raw(post(extra=b"Connection: close\r\n") + SCORE))
    assert (status, headers["connection"]) == (200, "close")


def test_chunked_bodies_are_joined(ask):
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    pieces = [BODY[i : i + 1] for i in range(len(BODY))]
    assert [status for status, _, _ in ask((head + chunked(*pieces)) * 2)] == [200, 200]


def test_head_is_get_without_a_body(server):
    answer = server.raw(b"HEAD / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"content-length: 8\r\n\r\n")


def test_expect_100_is_answered(server, responses):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 24\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert responses(connection.recv(65536))[0][0] == 200


def test_an_upgrade_is_declined_by_answering(server, responses):
    extra = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    ((status, headers, _),) = responses(server.raw(post(extra=extra)))
    assert (status, headers["connection"]) == (200, "close")


@pytest.mark.parametrize("given", ["abc-123", "a" * 128])
def test_a_request_id_is_given_back(server, given):
    _, headers, _ = server.request("GET", "/live", headers={"x-request-id": given})
    assert headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "{}", '"}\\n'])
def test_a_strange_request_id_is_replaced_and_not_logged(server, given):
    _, headers, _ = server.request("GET", "/live", headers={"x-request-id": given})
    assert headers["x-request-id"] not in {"", given}


MALFORMED = {
    "no version": b"GET /live\r\n\r\n",
    "other version": b"GET /live HTTP/3.7\r\nHost: h\r\n\r\n",
    "http 2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "binary": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "no host": b"GET /live HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two content lengths": HEAD + b"Content-Length: 24\r\nContent-Length: 25\r\n\r\n" + BODY,
    "two equal content lengths": HEAD + b"Content-Length: 24\r\nContent-Length: 24\r\n\r\n" + BODY,
    "length and chunked": HEAD + b"Content-Length: 24\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(BODY),
    "chunked and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 24\r\n\r\n" + chunked(BODY),
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n" + BODY,
    "signed length": HEAD + b"Content-Length: +24\r\n\r\n" + BODY,
    "list of lengths": HEAD + b"Content-Length: 24, 24\r\n\r\n" + BODY,
    "huge length": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY,
    "hex length": HEAD + b"Content-Length: 0x18\r\n\r\n" + BODY,
    "chunked not last": HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + chunked(BODY),
    "strange coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + chunked(BODY),
    "chunk size not hex": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "chunk size too large": HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "chunk longer than said": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    "space before colon": b"GET /live HTTP/1.1\r\nHost : h\r\n\r\n",
    "folded header": b"GET /live HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n",
    "nul in a header": b"GET /live HTTP/1.1\r\nHost: h\r\nX-A: b\0c\r\n\r\n",
    "bare cr in a header": b"GET /live HTTP/1.1\r\nHost: h\r\nX-A: b\rc\r\n\r\n",
    "header without colon": b"GET /live HTTP/1.1\r\nHost: h\r\nnothing\r\n\r\n",
    "empty header name": b"GET /live HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",
    "space in the target": b"GET /li ve HTTP/1.1\r\nHost: h\r\n\r\n",
    "relative target": b"GET live HTTP/1.1\r\nHost: h\r\n\r\n",
    "absolute target": b"GET http://169.254.169.254/live HTTP/1.1\r\nHost: h\r\n\r\n",
    "lower-case method": b"get /live HTTP/1.1\r\nHost: h\r\n\r\n",
    "connect": b"CONNECT here:443 HTTP/1.1\r\nHost: here:443\r\n\r\n",
    "truncated head": b"GET /live HTTP/1.1\r\nHo",
    "truncated body": HEAD + b"Content-Length: 24\r\n\r\n{",
    "truncated chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "two authorizations": b"GET /live HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_http_is_400_and_its_connection_closed(server, responses, data):
    following = SCORE if data.endswith(b"\r\n\r\n") else b""
    ((status, headers, body),) = responses(server.raw(data + following, shut=True))
    assert (status, json.loads(body)["code"], headers["connection"]) == (400, "malformed-http", "close")
    assert server.request("GET", "/live")[0] == 200
    assert len(server.workers()) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "unknown-path"),
        ("GET", "/score/../live", 404, "unknown-path"),
        ("GET", "/%6cive", 404, "unknown-path"),
        ("GET", "//live", 404, "unknown-path"),
        ("GET", "/score", 405, "wrong-method"),
        ("POST", "/live", 405, "wrong-method"),
        ("OPTIONS", "/score", 405, "wrong-method"),
        ("DELETE", "/score/double", 405, "wrong-method"),
    ],
)
def test_what_is_not_served_is_refused(server, method, path, status, code):
    got, headers, body = server.request(method, path)
    assert (got, json.loads(body)["code"]) == (status, code)
    assert ("allow" in headers) == (status == 405)


def test_a_query_does_not_change_the_path(server):
    assert server.request("GET", "/live?a=/x")[0] == 200


def test_a_declared_body_over_the_limit_is_refused_before_it_is_sent(server, responses):
    data = HEAD + b"Content-Length: 20001\r\n\r\n"
    ((status, headers, body),) = responses(server.raw(data))
    assert (status, json.loads(body)["code"], headers["connection"]) == (413, "body-too-large", "close")


def test_a_chunked_body_over_the_limit_is_refused_while_it_is_sent(server, responses):
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 20_001
    ((status, _, body),) = responses(server.raw(data))
    assert (status, json.loads(body)["code"]) == (413, "body-too-large")


def test_a_body_of_exactly_the_limit_is_taken(ask):
    assert ask(post(BODY.ljust(20_000)))[0][0] == 200


def test_the_answer_to_an_early_refusal_arrives_although_the_body_is_still_being_sent(server, responses):
    data = HEAD + b"Content-Length: 100000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(data + bytes(3_000_000))
        assert responses(connection.recv(65536))[0][0] == 413


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414, "target-too-long"),
        (b"GET /live HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431, "headers-too-large"),
        (b"GET /live HTTP/1.1\r\nHost: h\r\nA: " + b"b" * 17_000 + b"\r\n\r\n", 431, "headers-too-large"),
        (b"GET /live HTTP/1.1\r\nHost: h\r\nA: " + b"b" * 400_000, 431, "headers-too-large"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431, "headers-too-large"),
    ],
    ids=["target", "many headers", "long header", "endless header", "trailers"],
)
def test_heads_over_the_limits_are_refused(server, responses, data, status, code):
    ((got, _, body),) = responses(server.raw(data))
    assert (got, json.loads(body)["code"]) == (status, code)


def test_a_long_head_within_the_limit_may_come_in_pieces(server, responses):
    head = (
        b"GET /live HTTP/1.1\r\nHost: h\r\n" + b"".join(b"A%d: %b\r\n" % (n, b"b" * 180) for n in range(80)) + b"\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        for start in range(0, len(head), 5000):
            connection.sendall(head[start : start + 5000])
            time.sleep(0.02)
        assert responses(connection.recv(65536))[0][0] == 200


def test_trailers_do_not_become_headers(start, double_folder, keys_file, key, responses):
    server = start(double_folder, "--keys-file", str(keys_file)).wait()
    trailer = b"0\r\nAuthorization: Bearer " + key.encode() + b"\r\n\r\n"
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY)[:-5] + trailer
    assert responses(server.raw(data, shut=True))[0][0] == 401


@pytest.mark.parametrize("data", [b"GET /live HT", HEAD, HEAD + b"Content-Length: 24\r\n\r\n{"])
def test_slow_requests_get_408(hasty, responses, data):
    ((status, _, body),) = responses(hasty.raw(data))
    assert (status, json.loads(body)["code"]) == (408, "slow-request")


def test_a_slow_drip_is_cut_off_and_others_are_served(hasty, responses):
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=60) as connection:
        connection.settimeout(0.1)
        received = b""
        for _ in range(40):
            try:
                connection.sendall(b"A")
                received += connection.recv(65536)
                break
            except TimeoutError:
                assert hasty.request("GET", "/live")[0] == 200
        assert responses(received)[0][0] in {400, 408}


@pytest.mark.parametrize(("step", "wanted"), [(1, 408), (250, 200)])
def test_a_body_has_its_whole_time_only_while_it_comes(start, double_folder, responses, step, wanted):
    server = start(double_folder, "--header-timeout", "0.5", "--body-timeout", "60").wait()
    body = BODY + b" " * (1000 - len(BODY))
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        for at in range(0, 1000, step):
            connection.sendall(body[at : at + step])
            if select.select([connection], [], [], 0.4)[0]:
                break
        assert responses(connection.recv(65536))[0][0] == wanted


@pytest.mark.parametrize("data", [b"", b"GET /live HTTP/1.1\r\nHost: here\r\n\r\n"])
def test_silent_and_idle_connections_are_closed(hasty, data):
    began = time.monotonic()
    received = hasty.raw(data)
    assert received.count(b"HTTP/1.1") == (1 if data else 0)
    assert time.monotonic() - began > 0.4


def test_a_reader_that_does_not_read_is_cut_off(hasty):
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"
        connection.settimeout(60)
        with pytest.raises(OSError, match=r"reset|Broken"):
            connection.sendall(request * 600_000)


def test_connections_over_the_limit_are_refused(start, double_folder, responses):
    server = start(double_folder, "--max-connections", "3").wait()
    held = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(3)]
    ((status, _, _),) = responses(server.raw(b""))
    assert status == 503
    for connection in held:
        connection.close()
