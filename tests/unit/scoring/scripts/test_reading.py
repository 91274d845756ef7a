"""What run takes, found from how it is declared."""

import pytest

from modelyard_scoring.errors import FormError, MalformedError, ScriptError
from modelyard_scoring.schema_decorators import StandardPythonParameterType, input_schema
from modelyard_scoring.scripts.messages import Call
from modelyard_scoring.scripts.reading import find_reading, query_values


def call(body=b"", method="POST", target=b"/score", **headers):
    named = {name.encode(): value.encode() for name, value in headers.items()}
    return Call(request_id="id", method=method, target=target, headers=named, body=body)


@input_schema("data", StandardPythonParameterType(1))
def typed(data, more=2):
    return data, more


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (b"", {}),
        (b"?a=1&b=x&c=[1]&d=null&e=", {"a": 1, "b": "x", "c": [1], "d": None, "e": ""}),
        (b"?a=1&a=x", {"a": [1, "x"]}),
        (b"?a=%C3%BC+b", {"a": "ü b"}),
        (b"?a=NaN", {"a": "NaN"}),
    ],
)
def test_a_query_is_read_as_json_where_it_is_json(query, values):
    assert query_values(b"/score" + query) == values


def test_a_text_is_the_body_or_the_query():
    reading = find_reading("score.py", lambda payload: payload)
    assert reading.read(call("ü".encode())) == {"payload": "ü"}
    assert reading.read(call(method="GET", target=b"/score?a=1")) == {"payload": '{"a": 1}'}


def test_headers_are_given_to_those_who_ask():
    reading = find_reading("score.py", lambda data, request_headers: (data, request_headers))
    given = Call(request_id="", method="POST", target=b"", headers={b"x-own-header": b"1"}, body=b"")
    assert reading.read(given)["request_headers"] == {"X-Own-Header": "1"}


@pytest.mark.parametrize("body", [b'{"data": 1, "data": 2}', b'{"data": 1, "more": [{"a": 1, "\\u0061": 2}]}'])
def test_a_name_that_comes_twice_is_refused(body):
    with pytest.raises(MalformedError, match="comes twice"):
        find_reading("score.py", typed).read(call(body))


def test_arguments_are_those_of_the_object():
    reading = find_reading("score.py", typed)
    assert reading.read(call(b'{"data": 1, "other": 2}')) == {"data": 1}
    assert reading.read(call(b'{"data": 1, "more": 3}')) == {"data": 1, "more": 3}


@pytest.mark.parametrize(
    ("body", "error"), [(b"", MalformedError), (b"{", MalformedError), (b"3", FormError), (b"{}", FormError)]
)
def test_what_has_no_arguments_is_refused(body, error):
    with pytest.raises(error):
        find_reading("score.py", typed).read(call(body))


@pytest.mark.parametrize(
    "run",
    [lambda: 1, lambda *data: data, lambda **data: data, lambda request_headers: request_headers, lambda data, /: data],
)
def test_a_run_that_cannot_be_called_by_names_is_refused(run):
    with pytest.raises(ScriptError, match="run"):
        find_reading("score.py", run)
