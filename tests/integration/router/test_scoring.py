"""The scoring server itself behind the router: the same answers, and errors of one form."""

import json

import pytest
from tests.integration.router.conftest import KEY, request
from tests.integration.scoring.conftest import DOUBLE_SAMPLE, DOUBLE_SIGNATURE, Running, double_model, write_folder

from modelyard.services.route import Replica, Route, Upstream

BODY = json.dumps(DOUBLE_SAMPLE["request"])
TYPE = {"content-type": "application/json"}
INFER = "/v2/models/double/infer"


@pytest.fixture
def server(tmp_path, write_keys):
    folder = write_folder(tmp_path / "folder", {"double": (double_model(), DOUBLE_SIGNATURE, DOUBLE_SAMPLE)})
    keys = write_keys("server", primary=KEY[::-1])
    running = Running(folder, tmp_path, "--keys-file", keys, environ={"MODELYARD_SCORING_ALLOWED_HOSTS": "no.example"})
    yield running.wait()
    running.stop()


@pytest.fixture
def routed(router, server, port, write_keys, folder):
    upstream = Upstream(
        revision=1, replicas=(Replica(port=server.port),), weight=1, keys=str(folder / "server-keys.json")
    )
    router.apply(Route(service="double", port=port, upstreams=(upstream,), keys=write_keys(primary=KEY)))
    return port


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/score", BODY), ("POST", "/score", "{"), ("GET", "/v2/models/double", None), ("GET", "/ready", None),
     ("POST", INFER, "{}"), ("GET", "/nothing", None), ("POST", "/score", '{"data": [[1]]}')],
)  # fmt: skip
def test_an_answer_is_the_same_with_and_without_the_router(server, routed, method, path, body):
    given = {**TYPE, "x-request-id": "one"}
    direct = server.request(method, path, body, {**given, "x-api-key": KEY[::-1]})
    through = request(routed, method, path, body, {**given, "x-api-key": KEY})

    assert (through[0], through[2]) == (direct[0], direct[2])
    ours = {"x-modelyard-revision"}
    assert {name for name in through[1] if name not in ours} >= set(direct[1]) - {"connection"}
    assert through[1]["content-type"] == direct[1]["content-type"]


@pytest.mark.parametrize("path", ["/score", INFER])
def test_an_error_has_the_same_form_with_and_without_the_router(server, routed, path):
    direct, through = server.request("POST", path, BODY, TYPE), request(routed, "POST", path, BODY, TYPE)

    assert (through[0], json.loads(through[2]).keys()) == (direct[0], json.loads(direct[2]).keys())
    assert json.loads(through[2])["code"] == json.loads(direct[2])["code"] == "wrong-key"
    assert through[1]["www-authenticate"] == direct[1]["www-authenticate"]
