"""Errors have statuses, bodies and headers."""

import json

from modelyard_scoring import errors
from modelyard_scoring.answers import STATUS, error_body, error_headers


def concrete(base):
    return {error for one in base.__subclasses__() for error in (concrete(one) or {one})}


def test_every_refusal_has_a_status_and_every_status_a_refusal():
    codes = {error.code for error in concrete(errors.RequestError)}
    assert codes == set(STATUS) - {"bad-request"}


def test_an_error_body_holds_its_facts():
    error = errors.ValueRefusedError(3, "age", "a number", "null")
    body = json.loads(error_body(error, "id"))
    assert body == {
        "code": "wrong-value",
        "text": "At row 3, column 'age': wanted a number, got null.",
        "row": 3,
        "column": "age",
        "wanted": "a number",
        "got": "null",
        "request_id": "id",
    }
    assert error_headers(errors.MethodError("GET", "/score", ["POST"])) == b"allow: POST\r\n"
