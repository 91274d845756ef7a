"""Requests that Azure's inference server and ours are asked, and what is compared of their answers."""

import json
from typing import NamedTuple

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
LONG = "x" * 101


class Case(NamedTuple):
    """One request to one of the scripts."""

    name: str
    script: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def text(what, **more):
    document = json.dumps({"what": what}).encode()
    return Case(f"run returns {what}", "text", "POST", "/score", JSON, document)._replace(**more)


def raw(name, what, method="POST", body=b"", **headers):
    return Case(name, "raw", method, f"/score?what={what}", headers, body)


def typed(name, body, headers=None):
    document = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Case(name, "typed", "POST", "/score", JSON if headers is None else headers, document)


def at(name, method, path, body=b"", **headers):
    return Case(name, "text", method, path, headers, body)


CASES = [
    *(text(what) for what in ("dict", "list", "text", "none", "nan", "bytes", "array", "number", "set")),
    text("raise", name="run raises"),
    text("exit", name="run calls sys.exit"),
    text("folder", name="variables"),
    text("path", name="AML_APP_ROOT is a folder"),
    at("text without a content type", "POST", "/score", b"a text"),
    at("text of another type", "POST", "/score", b"a text", **{"content-type": "application/xml"}),
    at("text of an unknown type", "POST", "/score", b"a text", **{"content-type": "application/octet-stream"}),
    at("text in UTF-8", "POST", "/score", "ü".encode(), **{"content-type": "text/plain"}),
    at("bytes that are no text", "POST", "/score", b"\xff", **JSON),
    at("an empty body", "POST", "/score", b"", **JSON),
    at("a form for a text", "POST", "/score", b"a=1", **FORM),
    at("GET with a query", "GET", "/score?a=1&b=x&b=2&c=%5B1%5D&d=null"),
    at("GET without a query", "GET", "/score"),
    at("PUT", "PUT", "/score", b"{}", **JSON),
    at("HEAD", "HEAD", "/score"),
    at("OPTIONS", "OPTIONS", "/score"),
    at("/", "GET", "/"),
    at("POST /", "POST", "/", b"{}", **JSON),
    at("/score/", "POST", "/score/", b"{}", **JSON),
    at("a path that is not there", "GET", "/not/there"),
    at("/swagger.json?version=3", "GET", "/swagger.json?version=3"),
    at("/swagger.json?version=9", "GET", "/swagger.json?version=9"),
    at("x-request-id", "POST", "/score", b"a", **{"x-request-id": "mine"}),
    at("x-ms-request-id", "POST", "/score", b"a", **{"x-ms-request-id": "theirs"}),
    at("x-ms-client-request-id", "POST", "/score", b"a", **{"x-ms-client-request-id": "client"}),
    at("two ids", "POST", "/score", b"a", **{"x-request-id": "mine", "x-ms-client-request-id": "client"}),
    at("an id of 101 characters", "POST", "/score", b"a", **{"x-request-id": LONG}),
    at("an id with a space", "POST", "/score", b"a", **{"x-request-id": "a b"}),
    at("TraceId", "POST", "/score", b"a", traceid="office"),
    raw("raw bytes, status and headers", "bytes", body=b"\xff\x00\x01"),
    raw("raw text", "text"),
    raw("raw None", "none"),
    raw("raw 204", "empty"),
    raw("raw JSON", "json", body=b"[1]", **JSON),
    raw("raw 503", "failed"),
    raw("a status without a name", "odd"),
    raw("a header with a comma", "twice"),
    raw("raw dict", "dict", body=b"abc"),
    raw("raw GET", "dict", "GET"),
    raw("raw OPTIONS", "dict", "OPTIONS"),
    raw("raw query", "args&x=1&x=%C3%BC"),
    raw("raw form", "form", body=b"a=1&b=+2", **FORM),
    raw("raw headers", "header", **{"x-own": "1", "content-type": "application/json; charset=utf-8"}),
    raw("a forged header", "forge"),
    raw("get_json of what is none", "unread", body=b"{", **JSON),
    typed("typed", {"data": [[1, 2], [3, 4]]}),
    typed("typed, all arguments", {"data": [[1, 2]], "frame": [{"a": 1, "b": "y"}], "scale": 2.5}),
    typed("typed, another argument", {"data": [[1, 2]], "other": 1}),
    typed("typed, none of an argument", {}),
    typed("typed, a wrong shape", {"data": [[1, 2, 3]]}),
    typed("typed, a text for a number", {"data": [["x", 2]]}),
    typed("typed, a wrong frame", {"data": [[1, 2]], "frame": [{"a": "z", "b": "y"}]}),
    typed("typed, columns in another order", {"data": [[1, 2]], "frame": [{"b": "y", "a": 1}]}),
    typed("typed, a column of another name", {"data": [[1, 2]], "frame": [{"c": 1, "b": "y"}]}),
    typed("typed, a list", [1]),
    typed("typed, bad JSON", b"{"),
    typed("typed, an empty body", b""),
    typed("typed without a content type", {"data": [[1, 2]]}, {}),
    typed("typed as text/plain", {"data": [[1, 2]]}, {"content-type": "text/plain"}),
    Case("typed GET", "typed", "GET", "/score?data=%5B%5B1,2%5D%5D", {}, b""),
    Case("swagger: what goes in", "typed", "GET", "/swagger.json", {}, b""),
]


def facts(case, status, headers, body):
    """What is compared of an answer, each fact a short text."""
    return {
        "status": str(status),
        "type": headers.get("content-type", "none"),
        "body": content(case, headers, body),
        "allow": ", ".join(sorted(headers.get("allow", "none").split(", "))),
        "x-own": headers.get("x-own", "none"),
        "forged": headers.get("forged", "none"),
        "traceid": headers.get("traceid", "none"),
        "x-ms-run-function-failed": headers.get("x-ms-run-function-failed", "none"),
        "x-ms-run-fn-exec-ms": "a time" if "x-ms-run-fn-exec-ms" in headers else "none",
        **{name: identity(case, headers.get(name)) for name in ID_HEADERS},
    }


ID_HEADERS = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id")


def identity(case, value):
    """Which of the ids that the request had an answer has."""
    if value is None:
        return "none"
    given = {case.headers[name]: f"the {name}" for name in ID_HEADERS if name in case.headers}
    return given.get(value, "a new one")


def content(case, headers, body):
    if case.script == "typed" and case.path == "/swagger.json":
        return argument_names(json.loads(body))
    if not headers.get("content-type", "").startswith("application/json"):
        return repr(body)
    document = json.loads(body) if body else None
    if isinstance(document, dict) and (set(document) == {"message"} or "request_id" in document):
        return "an error"
    if isinstance(document, dict) and {"openapi", "swagger"} & set(document):
        return "a description, " + document.get("openapi", document.get("swagger"))
    shown = json.dumps(document, sort_keys=True, ensure_ascii=False)
    return shown if len(shown) < 100 else "a document"


def argument_names(document):
    """The arguments that a description names, with their kinds and examples."""
    body = document["paths"]["/score"]["post"]["parameters"][0]["schema"]
    schema = document["definitions"][body["$ref"].rpartition("/")[2]] if "$ref" in body else body
    kinds = {name: one["type"] for name, one in schema["properties"].items()}
    return json.dumps([kinds, schema["example"]], sort_keys=True)
