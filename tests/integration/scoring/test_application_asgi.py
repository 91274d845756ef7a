"""ASGI applications are served: every corner of their interface."""

import ast
import contextlib
import http.client
import json
import socket
import time

import pytest

RAW = """
import asyncio
import os

STATE = []


async def text(send, body, status=200, headers=()):
    headers = [(b"content-type", b"text/plain"), *headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(scope, receive, send):
    await receive()
    scope["state"]["model"] = "loaded"
    STATE.append("started")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print("the application shuts down", flush=True)
    await send({"type": "lifespan.shutdown.complete"})


async def echo(scope, receive, send):
    message = await receive()
    told = {name: scope[name] for name in ("method", "path", "query_string", "raw_path", "http_version", "scheme")}
    told |= {"headers": scope["headers"], "state": scope["state"]}
    told |= {"body": message["body"], "client": scope["client"][0]}
    await text(send, repr(told).encode())


async def cookies(scope, receive, send):
    await text(send, b"two", headers=[(b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"x-request-id", b"mine")])


async def parts(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for part in (b"one", b"", b"two"):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def said(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
    for part in (b"one", b"two"):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def short(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"7")]})
    await send({"type": "http.response.body", "body": b"one"})


async def empty(scope, receive, send):
    await text(send, b"must not be sent", status=int(scope["path"][-3:]))


async def early(scope, receive, send):
    raise ValueError("a secret at /etc/place")


async def late(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    raise ValueError("a secret at /etc/place")


async def silent(scope, receive, send):
    pass


async def leave(scope, receive, send):
    raise SystemExit(3)


async def cancelled(scope, receive, send):
    raise asyncio.CancelledError


async def inject(scope, receive, send):
    await text(send, b"", headers=[(b"x", b"a\\r\\nset-cookie: stolen=1")])


async def inject_name(scope, receive, send):
    await text(send, b"", headers=[(b"x: a\\r\\ny", b"a")])


async def odd(scope, receive, send):
    await text(send, b"", status=99)


async def hang(scope, receive, send):
    try:
        await asyncio.sleep(3600)
    finally:
        STATE.append("cancelled")


async def behind(scope, receive, send):
    await text(send, b"first")
    await asyncio.sleep(0.3)
    STATE.append("behind")


async def poll(scope, receive, send):
    await receive()
    STATE.append("polling")
    STATE.append((await receive())["type"])


async def endless(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    try:
        while True:
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
    except OSError:
        STATE.append("left")
        raise


async def state(scope, receive, send):
    await text(send, " ".join([str(os.getpid()), *STATE]).encode())


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    name = scope["path"].split("/")[1]
    await globals()[name or "echo"](scope, receive, send)
"""


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    folder = make_folders.write_application(RAW, limits={"timeout": 1.5, "max_body_bytes": 1000, "max_queue": 3})
    return start_in_module(folder).wait()


def told(server, wanted):
    """Ask what the application has noted, until `wanted` is in it."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        text = server.request("GET", "/state")[2].decode()
        if wanted in text.split():
            return text
        time.sleep(0.02)
    raise AssertionError(text)


def test_the_application_answers_everything_but_the_servers_own_paths(server):
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        for path in ("/", "/echo/openapi.json"):
            status, headers, body = server.request(method, path, b"x")
            assert (status, headers["content-type"]) == (200, "text/plain")
            assert ast.literal_eval(body.decode())["method"] == method
    assert json.loads(server.request("GET", "/live")[2]) == {"status": "live"}
    assert json.loads(server.request("GET", "/ready")[2]) == {"status": "ready"}
    assert server.request("POST", "/live")[0] == 405


def test_the_scope_is_right(server):
    path = "/echo/a%20b/%C3%A4%2F?q=%20&q"
    headers = {"X-Two": "1", "cookie": "a=1", "x-request-id": "mine"}
    _, given, body = server.request("POST", path, b"body", headers)
    scope = ast.literal_eval(body.decode())
    assert (scope["path"], scope["raw_path"]) == ("/echo/a b/ä/", b"/echo/a%20b/%C3%A4%2F")
    assert (scope["query_string"], scope["body"]) == (b"q=%20&q", b"body")
    assert (scope["http_version"], scope["scheme"], scope["client"]) == ("1.1", "http", "127.0.0.1")
    assert scope["state"] == {"model": "loaded"}
    assert dict(scope["headers"])[b"x-two"] == b"1"
    assert dict(scope["headers"])[b"x-request-id"] == b"mine"
    assert given["x-request-id"] == "mine"


def test_headers_that_come_twice_are_joined(server):
    data = server.raw(b"GET /echo HTTP/1.0\r\nx: 1\r\ncookie: a=1\r\nx: 2\r\ncookie: b=2\r\n\r\n")
    scope = ast.literal_eval(data.partition(b"\r\n\r\n")[2].decode())
    assert (b"x", b"1, 2") in scope["headers"]
    assert (b"cookie", b"a=1; b=2") in scope["headers"]
    assert scope["http_version"] == "1.0"


def test_several_cookies_are_several_headers(server):
    data = server.raw(b"GET /cookies HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").lower()
    assert data.count(b"set-cookie: ") == 2
    assert data.count(b"\r\nx-request-id: ") == 1
    assert b"mine" not in data
    assert data.endswith(b"two")


def test_parts_are_chunks_or_what_was_said(server):
    status, headers, body = server.request("GET", "/parts")
    assert (status, headers["transfer-encoding"], body) == (200, "chunked", b"onetwo")
    status, headers, body = server.request("GET", "/said")
    assert (status, headers["content-length"], body) == (200, "6", b"onetwo")
    assert "transfer-encoding" not in headers


def test_a_connection_goes_on_after_parts(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for path in ("/parts", "/said", "/parts", "/echo"):
        connection.request("GET", path)
        assert connection.getresponse().read()
    connection.close()


def test_an_old_client_reads_to_the_end(server):
    data = server.raw(b"GET /parts HTTP/1.0\r\n\r\n")
    assert b"chunked" not in data
    assert data.endswith(b"\r\n\r\nonetwo")


@pytest.mark.parametrize("path", ["/parts", "/said", "/echo"])
def test_head_has_no_body(server, path):
    data = server.raw(b"HEAD %b HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n" % path.encode())
    assert data.startswith(b"HTTP/1.1 200 ")
    assert data.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(server, status):
    asked = b"GET /empty/%d HTTP/1.1\r\nhost: h\r\n\r\n" % status
    data = server.raw(asked + b"GET /said HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
    head, _, rest = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert rest.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/early", "ValueError"),
        ("/silent", "RuntimeError"),
        ("/leave", "SystemExit"),
        ("/cancelled", "CancelledError"),
        ("/short", "ValueError"),
        ("/inject", "ValueError"),
        ("/inject_name", "ValueError"),
        ("/odd", "ValueError"),
    ],
)
def test_a_request_that_fails_fails_alone(server, path, kind):
    before = server.workers()
    status, headers, body = server.request("GET", path, headers={"x-request-id": f"id{path}"})
    assert (status, json.loads(body)["code"], headers["x-request-id"]) == (500, "application-failed", f"id{path}")
    assert kind.encode() in body
    assert b"secret" not in body
    assert "set-cookie" not in headers
    assert (
        kind in server.logged(lambda line: line.get("request_id") == f"id{path}" and "traceback" in line)["traceback"]
    )
    assert server.workers() == before


def test_an_answer_that_breaks_off_is_not_complete(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/late")
    with pytest.raises(http.client.IncompleteRead) as caught:
        connection.getresponse().read()
    assert caught.value.partial == b"one"
    connection.close()


def test_a_request_that_hangs_is_504_and_ended(server):
    status, _, body = server.request("GET", "/hang")
    assert (status, json.loads(body)["code"]) == (504, "deadline")
    told(server, "cancelled")


def test_what_is_done_after_the_answer_does_not_delay_it(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _ in range(2):
        connection.request("GET", "/behind")
        assert connection.getresponse().read() == b"first"
    connection.close()
    told(server, "behind")


def test_an_application_that_waits_learns_that_its_client_is_gone(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /poll HTTP/1.1\r\nhost: h\r\n\r\n")
        told(server, "polling")
    told(server, "http.disconnect")


def test_answers_keep_the_order_of_their_requests(server):
    paths = (b"parts", b"echo", b"said")
    asked = [b"GET /%b HTTP/1.1\r\nhost: h\r\n\r\n" % path for path in paths]
    data = server.raw(b"".join(asked).removesuffix(b"\r\n") + b"connection: close\r\n\r\n")
    bodies = [part.partition(b"\r\n\r\n")[2] for part in data.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    chunks = b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    assert [bodies[0], bodies[2]] == [chunks, b"onetwo"]
    assert b"'/echo'" in bodies[1]


def test_an_endless_answer_ends_with_its_client(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n")
        assert connection.recv(100_000)
    told(server, "left")


def test_as_many_as_may_are_answered_at_a_time(server):
    for _ in range(20):  # on a machine that stands still the first may be over when the last comes
        with contextlib.ExitStack() as held:
            waiting = [held.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(3)]
            for one in waiting:
                one.sendall(b"GET /hang HTTP/1.1\r\nhost: h\r\n\r\n")
            for _ in range(20):
                status, headers, body = server.request("GET", "/echo")
                if status == 503:
                    break
            assert [one.recv(1000)[:13] for one in waiting] == [b"HTTP/1.1 504 "] * 3
        if status == 503:
            break
    assert (json.loads(body)["code"], headers["retry-after"]) == ("queue-full", "1")


def test_bodies_are_bounded(server):
    assert server.request("POST", "/echo", b"x" * 1000)[0] == 200
    status, _, body = server.request("POST", "/echo", b"x" * 1001)
    assert (status, json.loads(body)["code"]) == (413, "body-too-large")


def test_websockets_are_refused(server):
    offer = b"GET /echo HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    data = server.raw(offer + b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n")
    assert data.startswith(b"HTTP/1.1 400 ")
    assert b'"no-websocket"' in data


def test_every_answer_is_counted_and_logged(server):
    server.request("GET", "/empty/204", headers={"x-request-id": "id-counted"})
    line = server.logged(lambda line: line.get("request_id") == "id-counted")
    assert (line["status"], line["target"], line["model"]) == (204, "/empty/204", "trial")
    assert server.metrics().scoring("requests_total", model="trial", code="204") >= 1
    assert server.metrics().scoring("refused_total", reason="application-failed") >= 1


BLOCKING = """
import pathlib, time
async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    pathlib.Path({flag!r} + ".begun").touch()
    while not pathlib.Path({flag!r}).exists():
        time.sleep(0.01)
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": b"done"}})
"""


def test_a_loop_that_an_application_blocks_leaves_probes_and_metrics_to_another_worker(folders, start, tmp_path):
    flag = tmp_path / "flag"
    server = start(folders.write_application(BLOCKING.format(flag=str(flag))), "--workers", "2").wait()
    server.wait_for_workers(2)
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as blocked:
        blocked.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        end = time.monotonic() + 60
        while not flag.with_name("flag.begun").exists():  # what the worker has accepted before is held up, too
            assert time.monotonic() < end
            time.sleep(0.01)
        for path in ["/live", "/ready", "/metrics"] * 20:
            assert server.request("GET", path)[0] == 200
        blocked.setblocking(False)
        with pytest.raises(BlockingIOError):
            blocked.recv(1)
        blocked.setblocking(True)
        flag.touch()
        assert blocked.recv(65536).startswith(b"HTTP/1.1 200")
