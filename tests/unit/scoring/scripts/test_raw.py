"""Requests and responses as scripts have them."""

import pytest

from modelyard_scoring.raw import AMLRequest, AMLResponse, is_raw, rawhttp
from modelyard_scoring.scripts.answer import HeaderRefusedError, make_result


def request(body=b"", target=b"/score", **headers):
    return AMLRequest("POST", target, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def test_only_a_decorated_function_is_raw():
    assert is_raw(rawhttp(lambda request: request))
    assert not is_raw(lambda request: request)


def test_headers_are_found_in_capitals_and_small_letters():
    headers = request(x_own="1").headers
    assert (headers["X-OWN"], headers.get("x-own"), headers.get("other"), "X-Own" in headers) == ("1", "1", None, True)


def test_the_query_is_decoded():
    args = request(target=b"/a%20b?x=1&x=2&y=%C3%BC&z=").args
    assert (args["x"], args.getlist("x"), args.to_dict()) == ("1", ["1", "2"], {"x": "1", "y": "ü", "z": ""})
    assert args.to_dict(flat=False)["x"] == ["1", "2"]
    assert request(target=b"/a%20b?x=1").path == "/a b"


def test_json_is_read_when_the_type_says_so_or_it_is_forced():
    assert request(b"[1]", content_type="application/json; charset=utf-8").get_json() == [1]
    assert request(b"[1]", content_type="application/vnd.own+json").json == [1]
    assert request(b"[1]").get_json(force=True) == [1]
    assert request(b"[1]").get_json(silent=True) is None
    assert request(b"[").get_json(force=True, silent=True) is None
    with pytest.raises(ValueError, match="content type"):
        request(b"[1]").get_json()
    with pytest.raises(ValueError, match="Expecting"):
        request(b"[").get_json(force=True)


def test_cookies_are_read_and_odd_ones_are_none():
    assert request(cookie="a=1; b=x").cookies == {"a": "1", "b": "x"}
    assert request().cookies == {}


@pytest.mark.parametrize("body", [b"", b"--B", b"--B\r\n--B--", b"\r\n--B\r\n\r\n\r\n--B--", b"--B\r\nx\r\n--B"])
def test_a_form_that_is_none_has_no_files(body):
    assert request(body, content_type="multipart/form-data; boundary=B").files == {}


@pytest.mark.parametrize(
    ("response", "body", "kind", "status"),
    [
        (AMLResponse("x", 200), b"x", b"text/html; charset=utf-8", 200),
        (AMLResponse(b"\xff", 201, {"Content-Type": "image/png"}), b"\xff", b"image/png", 201),
        (AMLResponse(None, 200), b"{}", b"application/json", 200),
        (AMLResponse({"a": 1}, 400, json_str=True), b'{"a": 1}', b"application/json", 400),
        (AMLResponse("body", 204), b"", b"text/html; charset=utf-8", 204),
    ],
)
def test_a_response_is_answered_as_it_says(response, body, kind, status):
    result = make_result(response, 0.5)
    assert (result.body, result.kind, result.status) == (body, kind, status)
    assert b"x-ms-run-fn-exec-ms: 500.000\r\n" in result.headers


@pytest.mark.parametrize(
    ("status", "failed", "said"), [(200, False, b"False"), (200, True, b"True"), (500, False, b"True")]
)
def test_a_response_says_whether_run_failed(status, failed, said):
    result = make_result(AMLResponse("x", status, run_function_failed=failed), 0)
    assert b"x-ms-run-function-failed: " + said in result.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"a": "1\r\nb: 2"},
        {"a\r\nb": "1"},
        {"a b": "1"},
        {"": "1"},
        {"a": "\0"},
        {"a": "\u20ac"},
        {"content-type": "a\nb"},
    ],
)
def test_headers_that_would_forge_others_are_refused(headers):
    with pytest.raises(HeaderRefusedError):
        make_result(AMLResponse("x", 200, headers), 0)


@pytest.mark.parametrize(
    "name", ["Connection", "transfer-encoding", "Content-Length", "X-Request-Id", "Date", "upgrade"]
)
def test_headers_of_the_connection_are_left_out(name):
    assert name.lower().encode() not in make_result(AMLResponse("x", 200, {name: "1"}), 0).headers.lower()


@pytest.mark.parametrize("status", [0, 100, 199, 600, 1000])
def test_a_status_that_is_none_is_refused(status):
    with pytest.raises(ValueError, match=str(status)):
        make_result(AMLResponse("x", status), 0)
