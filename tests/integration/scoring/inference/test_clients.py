"""The clients of Triton and of KServe talk to our server over HTTP and gRPC, and get the numbers of /score."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.peers import peer_python

HERE = Path(__file__).parent
ROWS = [[1.0, 2.0, 3.0, 4.0], [-1.5, 0.25, 1e30, 7.0]]


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    return start_in_module(make_folders.write({"double": make_folders.double}), "--grpc-port", "0").wait()


@pytest.fixture(scope="module")
def scored(server):
    answer = server.score({"data": ROWS})[1]
    return {name: np.float32(values).tolist() for name, values in answer.items()}


def talk(server, script):
    address = json.loads(server.address_file.read_bytes())["grpc_address"]
    python = peer_python(HERE / "requirements.txt")
    command = [str(python), str(HERE / script), server.url, address, json.dumps(ROWS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_tritons_clients(server, scored):
    found = talk(server, "triton_client.py")
    for name in ("http", "grpc"):
        assert (found[name]["live"], found[name]["ready"], found[name]["name"]) == (True, [True, True, False], "input")
    assert {name for name, one in found["http"].items() if one == scored} == {
        "packed",
        "json",
        "answer as json",
        "gzip",
        "deflate",
    }
    assert {name for name, one in found["grpc"].items() if one == scored} == {"packed", "gzip", "deflate"}
    assert found["http"]["refused"] == ["404", "400"]
    assert found["grpc"]["refused"] == ["StatusCode.NOT_FOUND", "StatusCode.INVALID_ARGUMENT"]


def test_kserves_clients(server, scored):
    found = talk(server, "kserve_client.py")
    for name in ("http", "grpc"):
        assert (found[name]["live"], found[name]["ready"]) == (True, True)
        for way in ("json", "packed"):
            assert found[name][way] == {**scored, "id": "mine"}
    assert "Nothing is served at" in found["http"]["refused"]
    assert "NOT_FOUND" in found["grpc"]["refused"]
