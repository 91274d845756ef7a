"""An engine of the test's own that is stopped, killed and started anew while containers run on it."""

import io
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest
from tests.integration.targets.placement import make_wanted

from modelyard.sdk.image.content import ImageContent
from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace
from modelyard.services.service import Placed
from modelyard_deploy.container.engine import Engine
from modelyard_deploy.container.errors import EngineUnreachableError
from modelyard_deploy.container.target import ContainerTarget

PYTHON = "python:3.11-slim"
BRIDGE, NETWORK = "modelyard-test", "10.213.77.1/24"
READY = (
    "import http.server as h, os, signal\\n"
    "signal.signal(signal.SIGTERM, lambda *_: os._exit(0))\\n"
    "class Ready(h.BaseHTTPRequestHandler):\\n"
    "  def do_GET(self): self.send_response(200); self.end_headers()\\n"
    "h.HTTPServer(('', 8080), Ready).serve_forever()"
)
DOCKERFILE = f'FROM {PYTHON}\nENTRYPOINT ["python3", "-c", "{READY}"]\n'
"""Stands in for an image: what is tried here is the engine."""


class OwnEngine:
    """A second engine, which changes nothing of the machine's packet filter; what runs containers outlives it."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix://{folder / 'docker.sock'}"
        self._folder = folder
        self._runner = self._open("containerd", root="run-root", state="run-state", address="run.sock")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = [f"--bridge={BRIDGE}", "--iptables=false", "--ip6tables=false", "--ip-masq=false"]
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "engine.pid", "containerd": "run.sock"}
        self._process = self._open("dockerd", f"--host={self.address}", *options, **places)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(EngineUnreachableError), Engine(self.address, pauses=()):
                return
            time.sleep(0.1)
        raise AssertionError((self._folder / "log").read_text()[-2000:])

    def end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(120)
            self._process = None

    def close(self) -> None:
        self.end(signal.SIGTERM)
        self._runner.terminate()
        self._runner.wait(120)
        data = str(self._folder / "data")  # each engine that was killed leaves it mounted once more
        while subprocess.run(["umount", data], capture_output=True, check=False).returncode == 0:
            pass

    def client(self) -> Any:
        return closing(docker.DockerClient(self.address))

    def _open(self, program: str, *options: str, **places: str) -> subprocess.Popen[bytes]:
        named = [f"--{option}={self._folder / name}" for option, name in places.items()]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen([program, *named, *options], stdout=log, stderr=log)


@pytest.fixture
def own(docker_engine: Any) -> Iterator[OwnEngine]:
    """Start an engine that has the image of Python."""
    with tempfile.TemporaryDirectory(prefix="modelyard-engine-") as folder:
        for words in (f"add name {BRIDGE} type bridge", f"set {BRIDGE} up"):
            subprocess.run(["ip", "link", *words.split()], check=True)
        subprocess.run(["ip", "addr", "add", NETWORK, "dev", BRIDGE], check=True)
        engine = OwnEngine(Path(folder))
        try:
            engine.start()
            with engine.client() as client:
                client.images.load(docker_engine.images.get(PYTHON).save(named=PYTHON))
            yield engine
            with engine.client() as client:
                for left in client.containers.list(all=True):
                    left.remove(force=True)
        finally:
            engine.close()
            subprocess.run(["ip", "link", "delete", BRIDGE], check=True)


def _wait(target: ContainerTarget, placed: Placed, *states: str) -> None:
    deadline = time.monotonic() + 120
    while (observed := target.observe(placed)).state not in states:
        assert time.monotonic() < deadline, observed
        time.sleep(0.1)


def test_a_container_is_found_again_and_never_doubled(
    own: OwnEngine, workspace: Workspace, image: Callable[..., Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", own.address)
    made = image()
    with own.client() as client:
        client.images.build(fileobj=io.BytesIO(DOCKERFILE.encode()), tag=f"modelyard-image:{made.digest}", rm=True)
    target = ContainerTarget(workspace.settings)

    def say(text: str) -> None:
        if text == "starting":  # the container is made, and does not run yet
            own.end(signal.SIGKILL)
            own.start()

    placed = target.apply(target.plan(make_wanted(workspace, made)), ImageContent(made), say)
    own.end(signal.SIGTERM)
    assert target.observe(placed).state == "unknown"
    own.start()
    _wait(target, placed, "running")
    assert httpx.get(f"{placed.url}/ready").status_code == 200

    own.end(signal.SIGKILL)
    own.start()
    _wait(target, placed, "running", "stopped")  # what ran when it was killed, Docker 20.10 ends and leaves so

    with own.client() as client:
        assert len(client.containers.list(all=True)) == 1
        target.remove(placed)
        assert client.containers.list(all=True) == []
    assert not os.path.lexists(placed.facts["place"])
