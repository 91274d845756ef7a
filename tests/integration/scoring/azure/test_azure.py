"""Azure's inference server and ours answer the same scripts and requests alike, but for what the page lists."""

import http.client
import os
import subprocess
import time
from pathlib import Path

import pytest
from tests.integration.scoring.azure.cases import CASES, facts
from tests.peers import peer_python
from tests.ports import free_port

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
PAGE = ROOT / "docs/reference/azure-scripts.md"
SCRIPTS = ("text", "raw", "typed")


class Azure:
    """Azure's inference server with one script."""

    def __init__(self, python, script, place):
        self.port = free_port()
        environ = {
            **os.environ,
            "AZUREML_ENTRY_SCRIPT": f"{script}.py",
            "AML_APP_ROOT": str(HERE / "scripts"),
            "AZUREML_MODEL_DIR": str(place),
        }
        start = f"from azureml_inference_server_http.amlserver_linux import run; run('127.0.0.1', {self.port}, 1)"
        self.log = place / f"{script}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([str(python), "-c", start], stdout=log, stderr=log, cwd=place, env=environ)

    def wait(self):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if ask(self.port, "GET", "/", {}, b"")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def ask(port, method, path, headers, body):
    """One request on a connection of its own: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body or method == "POST":
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        joined = {}
        for name, value in response.getheaders():
            joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
        return response.status, joined, response.read()
    finally:
        connection.close()


def observe(ports):
    return {case.name: facts(case, *ask(ports[case.script], *case[2:])) for case in CASES}


@pytest.fixture(scope="module")
def python():
    return peer_python(HERE / "requirements.txt")


@pytest.fixture(scope="module")
def azure(python, tmp_path_factory):
    place = tmp_path_factory.mktemp("azure")
    servers = {script: Azure(python, script, place) for script in SCRIPTS}
    try:
        return observe({script: server.wait().port for script, server in servers.items()})
    finally:
        for server in servers.values():
            server.stop()


@pytest.fixture(scope="module")
def ours(request, python, make_folders, start_in_module):
    more = {}
    if not request.param:  # the script finds Azure's own packages
        more = {"python": str(python), "environ": {"PYTHONPATH": str(ROOT / "scoring")}}
    servers = {
        script: start_in_module(make_folders.write({}, code=(HERE / f"scripts/{script}.py").read_text()), **more)
        for script in SCRIPTS
    }
    return request.param, observe({script: server.wait().port for script, server in servers.items()})


def listed(own_types):
    """The differences that the page lists: (case, fact, Azure's, ours)."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip().strip("`") for cell in row.strip("|").split(" | ")] for row in rows]
    return {
        (name, *row[1:4])
        for row in cells
        if len(row) == 5 and row[0] != "request" and (own_types or not row[4].startswith("with our types"))
        for name in row[0].split("; ")
    }


@pytest.mark.parametrize("ours", [True, False], ids=["with our packages", "with Azure's packages"], indirect=True)
def test_every_difference_is_listed_and_every_one_listed_is_there(azure, ours):
    own_types, ours = ours
    found = {
        (case.name, fact, azure[case.name][fact], ours[case.name][fact])
        for case in CASES
        for fact in azure[case.name]
        if azure[case.name][fact] != ours[case.name][fact]
    }
    assert sorted(found - listed(own_types)) == []
    assert sorted(listed(own_types) - found) == []
