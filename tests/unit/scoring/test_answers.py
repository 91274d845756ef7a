"""Errors have statuses, bodies and headers."""

import importlib
import json
from pathlib import Path

import modelyard_scoring
from modelyard_scoring import errors
from modelyard_scoring.answers import STATUS, error_body, error_headers


def concrete(base):
    return {error for one in base.__subclasses__() for error in (concrete(one) or {one})}


def test_every_refusal_has_a_status_and_every_status_a_refusal():
    root = Path(modelyard_scoring.__file__).parent
    for file in root.rglob("*errors.py"):
        importlib.import_module(".".join(["modelyard_scoring", *file.relative_to(root).with_suffix("").parts]))
    codes = {error.code for error in concrete(errors.RequestError)}
    assert codes | {"bad-request"} == set(STATUS)  # the code of those that pass on what another process said


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


def test_a_refusal_that_may_be_sent_again_says_when_and_what_it_is():
    assert error_headers(errors.NotReadyError("init")) == b"retry-after: 1\r\nx-modelyard-error: not-ready\r\n"
    assert error_headers(errors.QueueFullError(1)) == b"retry-after: 1\r\nx-modelyard-error: queue-full\r\n"


def test_of_very_many_names_few_are_compared():
    known = [f"column_{number}" for number in range(3000)]
    alike = errors.nearest("colum_1234", known)
    assert len(alike) == 32
    assert set(alike) < set(known)
    assert errors.nearest("column_1234x", known)[0] == "column_1234"
    assert "Did you mean 'column_77'?" in str(errors.UnknownColumnError("column_77 ", known))
    assert errors.nearest("Age", ["city", "age"]) == ["age", "city"]
