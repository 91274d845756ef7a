"""Paths are found exactly, and unknown ones answered with the nearest first."""

import pytest

from modelyard_scoring.errors import MethodError, PathError
from modelyard_scoring.http1.errors import HttpError
from modelyard_scoring.http1.routes import Route, Routes


@pytest.fixture
def routes():
    paths = {"/": ("GET", "HEAD"), "/live": ("GET", "HEAD"), "/score": ("POST",), "/score/digits": ("POST",)}
    return Routes(
        Route(path=path, methods=methods, keyed="score" in path, handle=print) for path, methods in paths.items()
    )


@pytest.mark.parametrize(
    ("method", "target", "path"),
    [
        (b"GET", b"/", "/"),
        (b"HEAD", b"/?a", "/"),
        (b"POST", b"/score?x=/", "/score"),
        (b"POST", b"/score/digits", "/score/digits"),
        (b"POST", b"/score/?x=/", "/score"),
        (b"POST", b"/score/digits/", "/score/digits"),
    ],
)
def test_a_path_is_found_with_or_without_a_query(routes, method, target, path):
    assert routes.find(method, target).path == path


@pytest.mark.parametrize("target", [b"/scor", b"/score//", b"//", b"/live/", b"/Score", b"/%73core", b"/\xff"])
def test_an_unknown_path_lists_the_known_ones(routes, target):
    with pytest.raises(PathError, match="/score/digits"):
        routes.find(b"GET", target)


def test_the_nearest_path_comes_first(routes):
    with pytest.raises(PathError, match="Served: /score/digits, "):
        routes.find(b"POST", b"/score/digit")


def test_a_path_that_need_not_be_told_is_not():
    paths = ["/v2/models/a", "/v2/models/a/versions/1"]
    routes = Routes(Route(path=one, methods=("GET",), keyed=True, handle=print, told=one == paths[0]) for one in paths)
    assert routes.find(b"GET", paths[1].encode()).path == paths[1]
    with pytest.raises(PathError, match=r"Served: /v2/models/a\.$"):
        routes.find(b"GET", b"/v2/models/a/versions/2")


@pytest.mark.parametrize("target", [b"", b"*", b"score", b"http://h/score", b"?a"])
def test_what_is_no_path_is_malformed(routes, target):
    with pytest.raises(HttpError, match="not a path"):
        routes.find(b"GET", target)


def test_another_method_is_told_those_allowed(routes):
    with pytest.raises(MethodError, match="takes GET or HEAD, not DELETE") as caught:
        routes.find(b"DELETE", b"/")
    assert caught.value.allowed == ("GET", "HEAD")
