"""Applications are told apart, and may not say what is the server's to say."""

import functools

import pytest

from modelyard_scoring.engines.application.asgi import http_scope
from modelyard_scoring.engines.application.heads import answer_head
from modelyard_scoring.engines.application.loading import interface_of
from modelyard_scoring.engines.application.wsgi import wsgi_environ
from modelyard_scoring.http1.request import PlainRequest


async def asgi(scope, receive, send):
    """An ASGI application."""


def wrapped(scope, receive, send):
    """An ASGI application that hands on to another."""
    return asgi(scope, receive, send)


def wsgi(environ, start_response):
    """A WSGI application."""


class Asgi:
    async def __call__(self, scope, receive, send):
        """Answer."""


class Wsgi:
    def __call__(self, environ, start_response):
        """Answer."""


class Either:
    def __call__(self, *arguments):
        """Answer."""


@pytest.mark.parametrize(
    ("application", "interface"),
    [
        (asgi, "asgi"),
        (wrapped, "asgi"),
        (Asgi(), "asgi"),
        (functools.partial(asgi), "asgi"),
        (Asgi().__call__, "asgi"),
        (wsgi, "wsgi"),
        (Wsgi(), "wsgi"),
        (functools.partial(Wsgi()), "wsgi"),
        (Either(), "wsgi"),
    ],
)
def test_the_interface_is_found_out(application, interface):
    assert interface_of(application) == interface


def test_a_head_has_what_the_application_says():
    head = answer_head(201, [(b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"Content-Length", b"3")])
    assert (head.status, head.length, head.close) == (201, 3, False)
    assert head.lines == b"set-cookie: a=1\r\nset-cookie: b=2\r\n"


@pytest.mark.parametrize("name", [b"Connection", b"Transfer-Encoding", b"upgrade", b"X-Request-Id", b"Keep-Alive"])
def test_what_is_the_servers_to_say_is_left_out(name):
    assert answer_head(200, [(name, b"chunked")]).lines == b""


def test_an_application_may_close_the_connection():
    assert answer_head(200, [(b"connection", b"Close")]).close


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, [(b"x", b"a\r\nb: c")]),
        (200, [(b"x", b"a\nb: c")]),
        (200, [(b"x", b"a\0")]),
        (200, [(b"x: y\r\nz", b"a")]),
        (200, [(b"", b"a")]),
        (200, [(b"x y", b"a")]),
        (200, [(b"content-length", b"-1")]),
        (200, [(b"content-length", b"1, 1")]),
        (200, [(b"content-length", b"1"), (b"content-length", b"2")]),
        (200, [(b"x", b"a" * 70_000)]),
        (199, []),
        (600, []),
        ("200", []),
    ],
)
def test_a_head_that_cannot_be_sent_is_refused(status, headers):
    with pytest.raises(ValueError, match=r"header|status|content-length"):
        answer_head(status, headers)


def test_a_refusal_does_not_show_a_value():
    with pytest.raises(ValueError, match="set-cookie") as caught:
        answer_head(200, [(b"set-cookie", b"secret\r\n")])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a%20b?c=%20?", "/a b", b"c=%20?"),
        (b"/%C3%A4", "/ä", b""),
        (b"/%ff", "/\ufffd", b""),
        (b"/%2e%2e/%", "/../%", b""),
    ],
)
def test_paths_are_decoded_and_queries_are_not(target, path, query):
    request = PlainRequest(body=b"", target=target)
    scope, environ = http_scope(request, {}), wsgi_environ(request, threaded=False)
    assert (scope["path"], scope["query_string"], scope["raw_path"]) == (path, query, target.partition(b"?")[0])
    assert environ["QUERY_STRING"] == query.decode()
    assert environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace") == path


def test_a_state_is_the_requests_own():
    state = {"model": 1}
    http_scope(PlainRequest(body=b""), state)["state"]["more"] = 2
    assert state == {"model": 1}
