"""What pages of other sites may do with a server, over real connections."""

import json

import pytest

PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"data": [[1, 2, 3, 4]]})


@pytest.fixture(scope="module")
def bare(make_folders, start_in_module):
    """A server without keys, as it is by default."""
    folder = make_folders.write({"double": make_folders.double})
    return start_in_module(folder, environ={"MODELYARD_SCORING_ALLOWED_HOSTS": "model.test"}).wait()


@pytest.mark.parametrize(("host", "status"), [("localhost", 200), ("model.test:1", 200), ("evil.example", 421)])
def test_a_name_that_was_bent_to_this_machine_is_refused(bare, host, status):
    for _ in range(4):  # a head that comes again is not looked at anew
        got, _, body = bare.request("POST", "/score", BODY, {**JSON, "Host": host})
        assert got == status
        assert (json.loads(body).get("code") == "wrong-host") == (status == 421)
    assert bare.request("GET", "/", headers={"Host": host})[0] == status
    assert bare.request("GET", "/metrics", headers={"Host": host})[0] == status
    assert bare.request("GET", "/live", headers={"Host": host})[0] == 200


def test_a_foreign_page_gets_403_and_no_permission(bare):
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for _ in range(3):
            status, answered, body = bare.request("POST", "/score", BODY, {**JSON, **headers})
            assert (status, json.loads(body)["code"]) == (403, "foreign-origin")
            assert not any(name.startswith("access-control") for name in answered)
    own = {"Origin": f"http://127.0.0.1:{bare.port}", "Sec-Fetch-Site": "same-origin"}
    assert bare.request("POST", "/score", BODY, {**JSON, **own})[0] == 200


def test_there_is_no_cors_unless_asked_for(bare):
    status, headers, _ = bare.request("OPTIONS", "/score", headers={"Origin": "https://a.example", **PREFLIGHT})
    assert status == 405
    assert not any(name.startswith("access-control") or name == "vary" for name in headers)


def test_pages_of_allowed_origins_read_answers_and_errors(double_folder, start, keys_file, key):
    origins = ["--cors-origins", "https://a.example, http://localhost:3000"]
    server = start(double_folder, *origins, "--keys-file", str(keys_file)).wait()
    origin = {"Origin": "https://a.example"}
    status, headers, body = server.request("OPTIONS", "/score", headers={**origin, **PREFLIGHT})
    assert (status, body) == (200, b"")
    assert headers["access-control-allow-origin"] == "https://a.example"
    assert headers["vary"] == "origin"
    assert "POST" in headers["access-control-allow-methods"]
    allowed = set(headers["access-control-allow-headers"].split(", "))
    assert {"authorization", "x-api-key", "content-type", "traceparent"} <= allowed
    assert {"x-request-timeout", "x-request-id", "x-ms-request-id", "x-ms-client-request-id"} <= allowed
    assert not {"access-control-allow-credentials", "access-control-allow-private-network"} & set(headers)
    keyed = {**JSON, **origin, "Authorization": f"Bearer {key}"}
    for sent, status in ((keyed, 200), ({**JSON, **origin}, 401), ({**keyed, "Content-Type": "x/y"}, 415)):
        for _ in range(3):
            got, headers, _ = server.request("POST", "/score", BODY, sent)
            assert (got, headers["access-control-allow-origin"]) == (status, "https://a.example")
            exposed = set(headers["access-control-expose-headers"].split(", "))
            assert {"x-request-id", "traceparent", "x-ms-run-function-failed", "x-ms-run-fn-exec-ms"} <= exposed
    got, headers, _ = server.request("POST", "/score", BODY, {**keyed, "Origin": "https://evil.example"})
    assert (got, headers["vary"]) == (200, "origin")
    assert "access-control-allow-origin" not in headers
    assert server.request("OPTIONS", "/score", headers={"Origin": "https://evil.example", **PREFLIGHT})[0] == 401
