"""WSGI applications are served: every corner of their interface."""

import ast
import http.client
import json
import socket
import time

import pytest

RAW = """
import os
import threading
import time

NOTED = []
GATE = threading.Barrier(2)


class Parts:
    def __init__(self, *parts):
        self.parts = parts

    def __iter__(self):
        return iter(self.parts)

    def close(self):
        NOTED.append("closed")


def echo(environ, start):
    told = {name: value for name, value in environ.items() if isinstance(value, str | bool | tuple)}
    told["body"] = environ["wsgi.input"].read()
    start("200 OK", [("Content-Type", "text/plain")])
    return [repr(told).encode()]


def lines(environ, start):
    start("200 OK", [])
    return [repr([environ["wsgi.input"].readline(), environ["wsgi.input"].readlines()]).encode()]


def parts(environ, start):
    start("200 OK", [("content-type", "text/plain")])
    return Parts(b"one", b"", b"two")


def said(environ, start):
    start("200 OK", [("content-length", "6")])
    return Parts(b"one", b"two")


def whole(environ, start):
    start("200 Fine", [("content-length", "3"), ("set-cookie", "a=1"), ("set-cookie", "b=2")])
    return Parts(b"one")


def written(environ, start):
    write = start("200 OK", [])
    write(b"one")
    return [b"two"]


def long(environ, start):
    start("200 OK", [("content-length", "3")])
    return Parts(b"one", b"two")


def empty(environ, start):
    start("204 No Content", [])
    return []


def changed(environ, start):
    start("200 OK", [])
    try:
        raise ValueError
    except ValueError:
        import sys
        start("418 Teapot", [], sys.exc_info())
    return [b"short and stout"]


def early(environ, start):
    raise ValueError("a secret at /etc/place")


def late(environ, start):
    start("200 OK", [])

    def made():
        yield b"one"
        raise ValueError("a secret at /etc/place")

    return made()


def leave(environ, start):
    raise SystemExit(3)


def silent(environ, start):
    return [b"one"]


def inject(environ, start):
    start("200 OK", [("x", "a\\r\\nset-cookie: stolen=1")])
    return [b""]


def inject_status(environ, start):
    start("200 OK\\r\\nx: y", [])
    return [b""]


def texts(environ, start):
    start("200 OK", [])
    return ["no bytes"]


def errors(environ, start):
    print("to the log", file=environ["wsgi.errors"])
    start("200 OK", [])
    return [b"x"]


def together(environ, start):
    GATE.wait(10)
    start("200 OK", [])
    return [b"x"]


def endless(environ, start):
    start("200 OK", [])

    def made():
        try:
            while True:
                yield b"x" * 10_000
        finally:
            NOTED.append("left")

    return made()


def slow(environ, start):
    start("200 OK", [])

    def made():
        for _ in range(6):
            time.sleep(0.4)
            yield b"x"

    return made()


def hang(environ, start):
    time.sleep(3600)


def noted(environ, start):
    start("200 OK", [])
    return [" ".join([str(os.getpid()), *NOTED]).encode()]


def application(environ, start):
    return globals()[environ["PATH_INFO"].split("/")[1] or "echo"](environ, start)
"""


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    folder = make_folders.write_application(RAW, limits={"timeout": 1.5}, concurrency=4)
    return start_in_module(folder).wait()


def ask(server, path, **more):
    status, headers, body = server.request("GET", path, **more)
    return status, headers, body


def noted(server, wanted):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        text = ask(server, "/noted")[2].decode()
        if wanted in text.split():
            return text
        time.sleep(0.02)
    raise AssertionError(text)


def environ_of(server, request):
    return ast.literal_eval(server.raw(request).partition(b"\r\n\r\n")[2].decode())


def test_the_environ_is_right(server):
    got = environ_of(
        server,
        b"POST /echo/a%20b/%C3%A4?q=%20 HTTP/1.1\r\nhost: h:1\r\nconnection: close\r\nX-Two: 1\r\nx-two: 2\r\n"
        b"content-type: text/plain\r\ncontent-length: 4\r\nx_two: spoofed\r\nx-request-id: mine\r\n\r\nbody",
    )
    assert (got["SCRIPT_NAME"], got["PATH_INFO"]) == ("", "/echo/a b/ä".encode().decode("latin-1"))
    assert (got["QUERY_STRING"], got["REQUEST_METHOD"], got["SERVER_PROTOCOL"]) == ("q=%20", "POST", "HTTP/1.1")
    assert (got["CONTENT_TYPE"], got["CONTENT_LENGTH"], got["body"]) == ("text/plain", "4", b"body")
    assert (got["HTTP_X_TWO"], got["HTTP_HOST"], got["HTTP_X_REQUEST_ID"]) == ("1, 2", "h:1", "mine")
    assert (got["REMOTE_ADDR"], got["SERVER_PORT"]) == ("127.0.0.1", str(server.port))
    assert (got["wsgi.url_scheme"], got["wsgi.version"], got["wsgi.multithread"]) == ("http", (1, 0), True)
    assert not {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} & set(got)


def test_a_chunked_body_has_its_length(server):
    head = b"POST /echo HTTP/1.1\r\nhost: h\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    got = environ_of(server, head + b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n")
    assert (got["body"], got["CONTENT_LENGTH"]) == (b"body", "4")
    assert "HTTP_TRANSFER_ENCODING" not in got


def test_the_body_is_a_file(server):
    assert server.request("POST", "/lines", b"a\nb\nc")[2] == b"[b'a\\n', [b'b\\n', b'c']]"


def test_answers_are_framed_as_they_come(server):
    assert ask(server, "/parts")[1]["transfer-encoding"] == "chunked"
    assert ask(server, "/parts")[2] == ask(server, "/written")[2] == ask(server, "/said")[2] == b"onetwo"
    assert ask(server, "/said")[1]["content-length"] == "6"
    assert ask(server, "/whole")[1]["content-length"] == "3"
    assert ask(server, "/empty")[0::2] == (204, b"")
    assert ask(server, "/changed")[0::2] == (418, b"short and stout")
    data = server.raw(b"HEAD /said HTTP/1.0\r\n\r\n")
    assert data.endswith(b"\r\n\r\n")
    assert b"content-length: 6" in data
    assert server.raw(b"GET /whole HTTP/1.0\r\n\r\n").count(b"set-cookie: ") == 2


def test_what_the_application_gave_is_closed(server):
    ask(server, "/parts")
    noted(server, "closed")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/early", "ValueError"),
        ("/leave", "SystemExit"),
        ("/silent", "RuntimeError"),
        ("/inject", "ValueError"),
        ("/inject_status", "ValueError"),
        ("/texts", "TypeError"),
    ],
)
def test_a_request_that_fails_fails_alone(server, path, kind):
    before = server.workers()
    status, headers, body = ask(server, path, headers={"x-request-id": f"id{path}"})
    assert (status, json.loads(body)["code"]) == (500, "application-failed")
    assert kind.encode() in body
    assert b"secret" not in body
    assert "set-cookie" not in headers
    line = server.logged(lambda line: f"id{path}" in line["text"] and "traceback" in line)
    assert kind in line["traceback"]
    assert server.workers() == before


def test_a_body_that_is_too_long_is_cut(server):
    assert ask(server, "/long", headers={"x-request-id": "id-long"})[2] == b"one"
    server.logged(lambda line: "id-long" in line["text"] and "longer" in line.get("traceback", ""))


def test_an_answer_that_breaks_off_is_not_complete(server):
    with pytest.raises(http.client.IncompleteRead):
        ask(server, "/late")


def test_what_is_written_to_wsgi_errors_is_in_the_log(server):
    ask(server, "/errors", headers={"x-request-id": "id-errors"})
    line = server.logged(lambda line: line["text"] == "to the log")
    assert (line["request_id"], line["stream"]) == ("id-errors", "stderr")


def test_requests_run_beside_one_another(server):
    connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=60) for _ in range(2)]
    for connection in connections:
        connection.request("GET", "/together")
    for connection in connections:
        assert connection.getresponse().read() == b"x"
        connection.close()


def test_an_endless_answer_ends_with_its_client(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n")
        assert connection.recv(100_000)
    noted(server, "left")


def test_parts_may_take_longer_together_than_each_may(server):
    assert ask(server, "/slow")[2] == b"xxxxxx"


def test_what_waits_behind_a_request_that_hangs_is_told_to_try_again(make_folders, start):
    folder = make_folders.write_application(RAW, limits={"timeout": 2}, concurrency=1)
    server = start(folder).wait()
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address, timeout=60) as first:
        first.sendall(b"GET /hang HTTP/1.1\r\nhost: h\r\n\r\n")
        time.sleep(0.5)
        with socket.create_connection(address, timeout=60) as second:
            second.sendall(b"GET /whole HTTP/1.1\r\nhost: h\r\n\r\n")
            assert second.recv(1000).startswith(b"HTTP/1.1 503 ")
        assert first.recv(1000).startswith(b"HTTP/1.1 504 ")
    end = time.monotonic() + 60
    while (status := server.request("GET", "/whole")[0]) != 200:
        assert status == 503
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_request_that_hangs_costs_only_itself(server, read):
    (before,) = server.workers()
    places = [("127.0.0.1", server.port)] * 2
    with socket.create_connection(places[0]) as hanging, socket.create_connection(places[1]) as beside:
        hanging.sendall(b"GET /hang HTTP/1.1\r\nhost: h\r\n\r\n")
        beside.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
        end = time.monotonic() + 60
        while before in server.workers():
            assert time.monotonic() < end
            time.sleep(0.02)
        assert hanging.recv(1000).startswith(b"HTTP/1.1 504 ")
        assert read(beside).endswith(b"\r\n\r\nxxxxxx")
    assert server.wait().request("GET", "/whole")[0] == 200
