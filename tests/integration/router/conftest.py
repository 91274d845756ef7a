"""A real Envoy before real servers in processes of their own."""

import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.integration.scoring.scenarios import nonces
from tests.integration.scoring.scenarios.traffic import Load
from tests.ports import free_port

from modelyard.services.route import Replica, Route, Upstream
from modelyard_deploy.router.envoy import Envoy
from modelyard_deploy.router.router import Router

KEY = "a-key-of-the-tests-0123456789"


def request(port, method="POST", path="/score", body=None, headers=None, timeout=60):
    """One request on a connection of its own: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def score(port, **headers):
    """One request to score: status, the revision that answered, and the answer."""
    status, found, body = request(port, body='{"data": [[1]]}', headers=headers)
    return status, found.get("x-modelyard-revision"), json.loads(body)


class Server:
    """A replica in a process of its own."""

    def __init__(self, revision):
        self.revision = revision
        command = [sys.executable, "-S", str(Path(__file__).with_name("replica.py")), str(revision)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    @property
    def replica(self):
        return Replica(port=self.port)

    def behave(self, **how):
        assert request(self.port, "PUT", "/behave", json.dumps(how))[0] == 200

    def asked(self):
        return json.loads(request(self.port, "GET", "/asked")[2])

    def end(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def kill(self):
        self.process.kill()
        self.process.wait(60)


@pytest.fixture
def serve():
    """Start replicas of revisions, which end with the test."""
    started = []

    def begin(revision):
        started.append(Server(revision))
        return started[-1]

    yield begin
    for one in started:
        one.end()


@pytest.fixture
def folder():
    """A folder whose path is short enough for a socket."""
    made = Path(tempfile.mkdtemp(prefix="router-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def router(folder):
    """A router whose Envoy ends with the test."""
    yield Router(folder)
    if (process := Envoy(folder).find()) is not None:
        process.end()


@pytest.fixture
def port():
    """A port that is free, for now."""
    return free_port()


@pytest.fixture
def route(port):
    """Make routes of one service: from servers, and weights by revision."""

    def make(*servers, weights, upstream_keys=None, **more):
        revisions = sorted({server.revision for server in servers})
        upstreams = tuple(
            Upstream(
                revision=number,
                replicas=tuple(server.replica for server in servers if server.revision == number),
                weight=weights.get(number, 0),
                keys=(upstream_keys or {}).get(number),
            )
            for number in revisions
        )
        return Route(**{"service": "digits", "port": port, "upstreams": upstreams, **more})

    return make


@pytest.fixture
def write_keys(folder):
    """Write a file of keys, as those who rotate them do."""

    def write(name="own", **keys):
        file = folder / f"{name}-keys.json"
        part = folder / f".{name}-keys.json"
        part.touch(0o600)
        part.write_text(json.dumps(keys))
        part.replace(file)
        return str(file)

    return write


def wait_until(done):
    """Wait until something is so."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Asked:
    """Requests whose answers must be their own; counts which revision answered in which phase."""

    def __init__(self, *, retry="never", **headers):
        self.by = Counter()
        self.extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.load = Load(make=self._make, check=self._check, connections=64, retry=retry)

    def _make(self, number):
        head, _, rest = nonces.make(number).partition(b"\r\n")
        return head + b"\r\n" + self.extra.encode() + rest

    def _check(self, number, answer):
        self.by[answer.header("x-modelyard-revision")] += 1
        own = answer.header("x-answered-by") in (None, answer.header("x-modelyard-revision"))
        return own and nonces.check(number, answer)
