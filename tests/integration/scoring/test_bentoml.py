"""A BentoML service is served, by BentoML's own code in an environment of its own."""

import json
from pathlib import Path

import pytest
from tests.bench.environment import pinned_python

ROOT = Path(__file__).parents[3]
SERVICE = """
import os
from collections.abc import AsyncGenerator

import bentoml
import numpy as np


@bentoml.service
class Factor:
    @bentoml.api
    def of(self, name: str) -> int:
        return {"double": 2}[name]


@bentoml.service(name="doubling", traffic={"timeout": 30})
class Doubling:
    factor = bentoml.depends(Factor)

    def __init__(self) -> None:
        self.pid = os.getpid()

    @bentoml.api
    def double(self, rows: list[list[float]]) -> list[list[float]]:
        return (np.array(rows) * self.factor.of("double")).tolist()

    @bentoml.api
    async def total(self, rows: list[list[float]]) -> float:
        return float(np.sum(rows))

    @bentoml.api
    async def count(self, to: int) -> AsyncGenerator[str, None]:
        for number in range(to):
            yield f"{number} "

    @bentoml.api
    def fail(self) -> str:
        raise ValueError("a secret at /etc/place")

    @bentoml.api(batchable=True, max_batch_size=16, max_latency_ms=2000)
    def batched(self, rows: np.ndarray) -> np.ndarray:
        return rows * 2

    @bentoml.on_shutdown
    def end(self) -> None:
        print("the service has ended", flush=True)
"""


@pytest.fixture(scope="module")
def server(make_folders, start_in_module, tmp_path_factory):
    folder = make_folders.write_application(SERVICE, "app:Doubling", limits={"timeout": 20})
    environ = {
        "PYTHONPATH": str(ROOT / "scoring"),
        "BENTOML_HOME": str(tmp_path_factory.mktemp("bentoml")),
        "BENTOML_DO_NOT_TRACK": "True",
    }
    python = str(pinned_python(Path(__file__).with_name("bentoml.txt")))
    return start_in_module(folder, "--workers", "2", environ=environ, python=python).wait()


def ask(server, path, **document):
    status, headers, body = server.request("POST", path, json.dumps(document), {"content-type": "application/json"})
    return status, headers, body


def test_its_methods_answer(server):
    assert json.loads(ask(server, "/double", rows=[[1, 2], [3, 4]])[2]) == [[2, 4], [6, 8]]
    assert json.loads(ask(server, "/total", rows=[[1, 2], [3, 4]])[2]) == 10
    assert json.loads(ask(server, "/batched", rows=[[1, 2], [3, 4]])[2]) == [[2, 4], [6, 8]]


def test_its_answers_in_parts_come_in_parts(server):
    status, headers, body = ask(server, "/count", to=5)
    assert (status, headers["transfer-encoding"], body) == (200, "chunked", b"0 1 2 3 4 ")


def test_its_refusals_and_failures_are_its_own(server):
    assert ask(server, "/double", rows="no")[0] == 400
    status, _, body = ask(server, "/fail")
    assert status == 500
    assert b"secret" not in body
    assert ask(server, "/unknown")[0] == 404


def test_its_own_paths_are_there_and_ours_too(server):
    assert server.request("GET", "/readyz")[0] == server.request("GET", "/ready")[0] == 200
    assert "/double" in json.loads(server.request("GET", "/docs.json")[2])["paths"]
    assert server.metrics().scoring("requests_total", model="trial", code="200") > 0


def test_it_is_shut_down(server):
    server.wait_for_workers(2)
    assert server.stop() == 0
    assert server.log.count("the service has ended") == 2
