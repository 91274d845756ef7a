"""Model folders with real ONNX files, and real servers on free ports."""

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.exposition import parse

KEY = "a-key-of-the-tests-0123456789"


def field(name, kind, shape, **more):
    return {"name": name, "type": kind, "shape": shape, **more}


def save(nodes, inputs, outputs, initializers=()):
    """Give the bytes of an ONNX model; `inputs` and `outputs` are (name, element type, shape)."""
    values = [[helper.make_tensor_value_info(*one) for one in side] for side in (inputs, outputs)]
    graph = helper.make_graph(nodes, "model", *values, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def double_model(width=4):
    """A model that gives each row times two, and its sum."""
    two = helper.make_tensor("two", TensorProto.FLOAT, [], [2.0])
    nodes = [
        helper.make_node("Mul", ["input", "two"], ["doubled"]),
        helper.make_node("ReduceSum", ["input", "axes"], ["prediction"], keepdims=0),
    ]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    outputs = [("doubled", TensorProto.FLOAT, [None, width]), ("prediction", TensorProto.FLOAT, [None])]
    return save(nodes, [("input", TensorProto.FLOAT, [None, width])], outputs, [two, axes])


def write_folder(root, models, *, code=None, limits=None, name="trial"):
    """Write a model folder; `models` maps a name to (bytes, signature, sample)."""
    entries = []
    for model, (content, signature, sample) in models.items():
        path = f"models/{model}/1"
        (root / path).mkdir(parents=True)
        (root / path / "model.onnx").write_bytes(content)
        files = {"model.onnx": hashlib.sha256(content).hexdigest()}
        entry = {"name": model, "version": 1, "path": path, "engine": "onnx", "file": "model.onnx", "files": files}
        entries.append({**entry, "signature": signature, "sample": sample})
    service = {"format": 1, "name": name, "models": entries, "code": None, "limits": limits or {}}
    if code is not None:
        (root / "code").mkdir(parents=True)
        (root / "code" / "score.py").write_text(code)
        service["code"] = {"path": "code", "entry": "score.py"}
    (root / "service.json").write_text(json.dumps(service))
    return root


DOUBLE_SIGNATURE = {
    "inputs": [field("input", "float32", [None, 4])],
    "outputs": [field("doubled", "float32", [None, 4]), field("prediction", "float32", [None])],
    "form": "array",
}
DOUBLE_SAMPLE = {
    "request": {"data": [[1, 2, 3, 4]]},
    "answer": {"doubled": [[2, 4, 6, 8]], "prediction": [10]},
}


@pytest.fixture
def double_folder(tmp_path):
    return write_folder(tmp_path / "folder", {"double": (double_model(), DOUBLE_SIGNATURE, DOUBLE_SAMPLE)})


class Folders:
    """Writes model folders, each in a place of its own."""

    field = staticmethod(field)
    save = staticmethod(save)
    double = (double_model(), DOUBLE_SIGNATURE, DOUBLE_SAMPLE)

    def __init__(self, place):
        self.place = place
        self.count = 0

    def write(self, models, **more):
        self.count += 1
        return write_folder(self.place / f"folder{self.count}", models, **more)

    def write_application(self, source, name="app:application", *, limits=None, models=None, **code):
        """Write a folder with an application in ``app.py``."""
        folder = self.write(models or {}, limits=limits, code="")
        (folder / "code/app.py").write_text(source)
        service = json.loads((folder / "service.json").read_bytes())
        service["code"] = {"path": "code", "application": name, **code}
        (folder / "service.json").write_text(json.dumps(service))
        return folder


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path)


@pytest.fixture(scope="module")
def make_folders(tmp_path_factory):
    return Folders(tmp_path_factory.mktemp("folders"))


def read_all(connection):
    """Read until the server closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def split_responses(data):
    """Split bytes into responses: (status, headers, body) each."""
    responses = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers.get("content-length", "0"))
        responses.append((int(first.split(" ")[1]), headers, rest[:length]))
        assert len(rest) >= length, "cut off"
        data = rest[length:]
    return responses


class Running:
    """A server in a process of its own; `log` is a descriptor for its log in place of a file."""

    def __init__(
        self, folder, place, *options, environ=None, tls=None, launcher=(), pass_fds=(), log=None, python=sys.executable
    ):
        self.tls = tls
        self.log_file = place / "server.log"
        self.failure_file = place / "failure.json"
        self.address_file = place / "address.json"
        command = [*launcher, python, "-m", "modelyard_scoring", str(folder), "--port", "0"]
        command += ["--failure-file", str(self.failure_file), "--address-file", str(self.address_file), *options]
        # raw requests of these tests call the host as they like
        environ = {"MODELYARD_SCORING_ALLOWED_HOSTS": "here,h", **(environ or {})}
        environ = {**os.environ, **environ}
        with self.log_file.open("wb") as file:
            log = file if log is None else log
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environ, pass_fds=pass_fds)

    def wait(self, path="/ready", timeout=90.0):
        """Wait until `path` answers 200."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log
            if self.address_file.exists():
                self.url = json.loads(self.address_file.read_bytes())["url"]
                self.port = int(self.url.rpartition(":")[2])
                if self.request("GET", path)[0] == 200:
                    return self
            time.sleep(0.02)
        raise AssertionError(f"not ready\n{self.log}")

    def address(self, name="url", timeout=90.0):
        """Wait until the server listens; its address of that name."""
        end = time.monotonic() + timeout
        while not self.address_file.exists():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end
            time.sleep(0.02)
        return json.loads(self.address_file.read_bytes())[name]

    @property
    def log(self):
        return self.log_file.read_text()

    def logged(self, wanted, timeout=60.0):
        """Wait until a line of the log is `wanted`; that line."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for line in self.log.splitlines(keepends=True):
                if line.endswith("\n") and line.startswith("{") and wanted(read := json.loads(line)):
                    return read
            time.sleep(0.02)
        raise AssertionError(f"not logged\n{self.log}")

    def metrics(self):
        """What the server counts, by a strict reading of its metrics."""
        return parse(self.request("GET", "/metrics")[2].decode())

    def wait_for_workers(self, count, timeout=90.0):
        """Wait until so many workers serve."""
        end = time.monotonic() + timeout
        while self.metrics().scoring("workers") < count:
            assert time.monotonic() < end, self.log
            time.sleep(0.02)

    def wait_for_requests(self, count, timeout=60.0):
        """Wait until so many requests are being answered, besides the one that asks."""
        end = time.monotonic() + timeout
        while self.metrics().scoring("in_flight") != count + 1:
            assert time.monotonic() < end, self.log
            time.sleep(0.02)

    def workers(self):
        """The process ids of the workers."""
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listing.split()]

    def request(self, method, path, body=None, headers=None, timeout=60):
        """One request on a connection of its own: status, headers, body."""
        if self.tls is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        else:
            connection = http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=self.tls)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def raw(self, data, timeout=60, *, shut=False):
        """Send bytes as they are; all that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            if shut:
                connection.shutdown(socket.SHUT_WR)
            return read_all(connection)

    def score(self, document, path="/score", kind="application/json", **headers):
        """Score a document: status and what the answer holds."""
        body = document if isinstance(document, bytes | str) else json.dumps(document)
        status, _, answer = self.request("POST", path, body, {"content-type": kind, **headers})
        return status, json.loads(answer)

    def stop(self, timeout=60):
        """Stop it politely; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            for pid in self.workers():
                os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait(5)
            raise


def starter(place):
    """Give what starts servers in `place`; they end when it goes on."""
    running = []

    def begin(folder, *options, **more):
        own = place / f"server{len(running)}"
        own.mkdir()
        running.append(Running(folder, own, *options, **more))
        return running[-1]

    yield begin
    for one in running:
        one.stop()


@pytest.fixture
def start(tmp_path):
    """Start servers that end with the test."""
    yield from starter(tmp_path)


@pytest.fixture(scope="module")
def start_in_module(tmp_path_factory):
    """Start servers that end with the tests of a file."""
    yield from starter(tmp_path_factory.mktemp("servers"))


@pytest.fixture
def responses():
    return split_responses


@pytest.fixture
def read():
    return read_all


@pytest.fixture
def keys_file(tmp_path):
    file = tmp_path / "keys.json"
    file.touch(0o600)
    file.write_text(json.dumps({"primary": KEY, "secondary": KEY[::-1]}))
    return file


@pytest.fixture
def key():
    return KEY


@pytest.fixture
def rows():
    """Rows of small whole numbers, which float32 holds exactly."""
    return np.random.default_rng(0).integers(-100, 100, (8, 4)).tolist()
