"""What only HTTP can get wrong: bodies, parameters, keys, sizes."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.contract.conftest import Served

from modelyard.tracking.experiments import Experiments
from modelyard.tracking.run import ExperimentQuery, NewExperiment, RunQuery
from modelyard.tracking.runs import Runs


@pytest.fixture
def http(served: Served) -> Any:
    """Give a client with an owner's token."""
    Experiments(served.store).create(NewExperiment(name="digits"))
    headers = {"authorization": f"Bearer {served.tokens['owner']}"}
    with httpx.Client(base_url=f"{served.url}/api/v1", headers=headers, timeout=60) as client:
        yield client


def test_a_key_has_one_effect_and_one_answer(served: Served, http: httpx.Client) -> None:
    headers = {**http.headers, "idempotency-key": "once"}

    def send(_: int) -> tuple[int, bytes]:
        answer = httpx.post(f"{served.url}/api/v1/experiments/digits/runs", json={}, headers=headers, timeout=60)
        return answer.status_code, answer.content

    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(send, range(100)))

    assert {status for status, _ in answers} == {200}
    assert len(answers) == 1
    assert len(Runs(served.store).list(RunQuery()).items) == 1


def test_without_a_key_every_request_has_its_effect(served: Served, http: httpx.Client) -> None:
    for _ in range(3):
        http.post("/experiments/digits/runs", json={})

    assert len(Runs(served.store).list(RunQuery()).items) == 3


def test_a_key_is_for_one_request_of_one_caller(served: Served, http: httpx.Client) -> None:
    key = {"idempotency-key": "once"}
    assert http.post("/experiments", json={"name": "a"}, headers=key).status_code == 200

    assert http.post("/experiments", json={"name": "b"}, headers=key).status_code == 409
    other = {**key, "authorization": f"Bearer {served.tokens['contributor']}"}
    assert http.post("/experiments", json={"name": "c"}, headers=other).status_code == 200


def test_a_request_that_failed_may_be_sent_again_under_its_key(http: httpx.Client) -> None:
    key = {"idempotency-key": "again"}
    assert http.post("/experiments/letters/runs", json={}, headers=key).status_code == 404

    http.post("/experiments", json={"name": "letters"})

    assert http.post("/experiments/letters/runs", json={}, headers=key).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"name": 1}',
        b'{"name": null}',
        b'{"nam": "x"}',
        b'{"name": "a\xff"}',
        b'{"name": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"name": NaN}',
        b"[" * 100_000,
        b'{"name":' * 50_000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_not_what_is_asked_for_is_refused(served: Served, http: httpx.Client, body: bytes) -> None:
    answer = http.post("/experiments", content=body)

    assert answer.status_code == 422
    assert answer.json()["code"] in {"invalid-value", "invalid-name"}
    assert [one.name for one in Experiments(served.store).list(ExperimentQuery()).items] == ["digits"]


@pytest.mark.parametrize(
    "query",
    ["nonsense=1", "limit=x", "limit=1.5", "limit=", "limit=1&limit=2x", "top=perhaps", "status=Gone", "descending=2"],
)
def test_a_parameter_that_cannot_be_is_refused(http: httpx.Client, query: str) -> None:
    answer = http.get(f"/runs?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")


def test_an_unknown_parameter_names_those_there_are(http: httpx.Client) -> None:
    assert "experiment" in http.get("/runs?experimant=digits").json()["text"]


@pytest.mark.parametrize("path", ["/experiments/%2e%2e", "/experiments/..%2f..", "/experiments/%00", "/nowhere"])
def test_a_path_leads_nowhere_else(http: httpx.Client, path: str) -> None:
    answer = http.send(http.build_request("GET", http.base_url.copy_with(raw_path=f"/api/v1{path}".encode())))

    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/json"


def test_a_method_that_is_not_there_is_told_so(http: httpx.Client) -> None:
    assert http.put("/experiments", json={}).status_code == 405


def test_a_body_that_is_too_large_is_refused(served: Served, http: httpx.Client) -> None:
    body = b'{"name": "' + b"x" * (33 << 20) + b'"}'

    answer = http.post("/experiments", content=body)

    assert answer.status_code == 413
    assert [one.name for one in Experiments(served.store).list(ExperimentQuery()).items] == ["digits"]


def test_every_answer_has_a_request_id_and_is_not_sniffed(http: httpx.Client) -> None:
    for path in ("/workspace", "/nowhere"):
        headers = http.get(path, headers={"x-request-id": "abc123"}).headers
        assert (headers["x-request-id"], headers["x-content-type-options"]) == ("abc123", "nosniff")
    assert http.get("/workspace", headers={"x-request-id": "<script>"}).headers["x-request-id"] != "<script>"


def test_the_description_is_whole(served: Served, http: httpx.Client) -> None:
    described = json.loads(http.get("/openapi.json").content)
    bound = {rule.rule.replace("<", "{").replace(">", "}") for rule in served.app.url_map.iter_rules()}

    assert described["openapi"] == "3.1.0"
    assert set(described["paths"]) == {path for path in bound if path not in {"/live", "/api/v1/openapi.json"}}
    schemas = described["components"]["schemas"]
    assert _references(described) <= {f"#/components/schemas/{name}" for name in schemas}
    for path, methods in described["paths"].items():
        for method in methods.values():
            named = {p["name"] for p in method.get("parameters", []) if p["in"] == "path"}
            assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path
            assert "default" in method["responses"]
            assert len(method["responses"]) > 1
    names = [m["operationId"] for methods in described["paths"].values() for m in methods.values()]
    assert len(set(names)) == len(names)


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_references(one) for one in value.values()))
    return set().union(*(_references(one) for one in value)) if isinstance(value, list) else set()
