"""Engines that are not there, may not be used, are too old, or go away in the middle: one line that says what to do."""

import gc
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.targets.placement import Place

from modelyard.errors import MissingExtraError
from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace
from modelyard.services.service import Placed
from modelyard_deploy.container.confinement import REPLICA, REVISION, SERVICE, WORKSPACE
from modelyard_deploy.container.engine import Engine
from modelyard_deploy.container.errors import EngineFailureError, EngineUnreachableError, UnfitEngineError
from modelyard_deploy.container.watch import Watch

SOCKET = "/var/run/docker.sock"
NOBODY = Placed(
    url="http://127.0.0.1:9", machine="", facts=dict.fromkeys((WORKSPACE, SERVICE, REVISION, REPLICA), "nobody")
)
LEAVES_A_SOCKET = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""The client of Docker does not close a socket with which it did not get through, or got an error in the middle."""


@pytest.fixture
def leaky() -> Iterator[None]:
    """Have what is left open noticed in the test that leaves it."""
    yield
    gc.collect()


@pytest.fixture
def short() -> Iterator[Path]:
    """Give a folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


class Gate:
    """A socket of its own in front of an engine's, which can be closed and opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server: socket.socket | None = None
        self._open: list[socket.socket] = []

    def open(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = server = socket.socket(socket.AF_UNIX)
        server.bind(str(self.path))
        server.listen()
        threading.Thread(target=self._accept, args=(server,), daemon=True).start()

    def close(self) -> None:
        for one in (self._server, *self._open):
            if one is not None:
                one.shutdown(socket.SHUT_RDWR)
                one.close()
        self._server, self._open = None, []

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            behind = socket.socket(socket.AF_UNIX)
            behind.connect(SOCKET)
            self._open += [client, behind]
            for pair in ((client, behind), (behind, client)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


@contextmanager
def _answering(path: Path, version: bytes) -> Iterator[None]:
    """Answer every request on a socket with the same JSON."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    if not client.recv(65536):
                        continue
                    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
                    client.sendall(head + b"content-length: %d\r\n\r\n" % len(version) + version)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("address", ["unix:///nosuch/docker.sock", "tcp://127.0.0.1:9"])
def test_no_engine_is_said_in_one_line(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(EngineUnreachableError, match="Start it") as caught:
        Engine()
    assert address in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_dead_engine_leaves_nothing(
    workspace: Workspace, place: Place, image: Callable[..., Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nosuch/docker.sock")
    with pytest.raises(EngineUnreachableError):
        place("scaling", image(), "container")
    assert list((Path(workspace.location) / "services").rglob("*")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_engine_that_may_not_be_used_is_said_in_one_line(docker_engine: Any) -> None:
    code = (
        "import os, docker, requests; from modelyard_deploy.container.engine import Engine\n"
        "from modelyard_deploy.container.errors import EngineDeniedError\n"
        "os.environ['HOME'] = '/nonexistent'; os.setgroups([]); os.setgid(12345); os.setuid(12345)\n"
        "try: Engine()\n"
        "except EngineDeniedError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "usermod -aG docker" in done.stdout, done.stderr


def test_an_old_engine_is_refused(short: Path) -> None:
    version = b'{"Version": "18.9", "ApiVersion": "1.39", "Os": "linux", "Arch": "amd64"}'
    with (
        _answering(short / "old.sock", version),
        pytest.raises(UnfitEngineError, match=r"18\.9; this needs Docker 20\.10"),
    ):
        Engine(f"unix://{short / 'old.sock'}")


@LEAVES_A_SOCKET
def test_an_engine_that_comes_back_is_waited_for(leaky: None, docker_engine: Any, short: Path) -> None:
    gate = Gate(short / "gate.sock")
    gate.open()
    with Engine(f"unix://{gate.path}") as engine:
        gate.close()
        timer = threading.Timer(1.5, gate.open)
        timer.start()
        found = engine.find_image("python:3.11-slim")
        timer.join()
    gate.close()
    assert found is not None


@LEAVES_A_SOCKET
def test_an_engine_that_stays_away_is_given_up(docker_engine: Any, short: Path) -> None:
    gate = Gate(short / "gate.sock")
    gate.open()
    with Engine(f"unix://{gate.path}", pauses=(0.01, 0.01)) as engine:
        gate.close()
        with pytest.raises(EngineUnreachableError):
            engine.find_image("python:3.11-slim")


@LEAVES_A_SOCKET
def test_containers_are_looked_at_again_when_the_engine_is_back(
    leaky: None, docker_engine: Any, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(short / "gate.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{gate.path}")
    watch, seen = Watch(), []
    for turn in (gate.open, gate.close, gate.open, gate.close):
        turn()
        seen.append(watch.observe(NOBODY))
    assert [one.state for one in seen] == ["stopped", "unknown", "stopped", "unknown"]
    assert f"No Docker engine answers at unix://{gate.path}" in seen[1].detail


@LEAVES_A_SOCKET
def test_an_engine_that_hangs_is_not_waited_for(leaky: None, short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelyard_deploy.container.watch._TIMEOUT", 0.1)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{short / 'deaf.sock'}")
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(short / "deaf.sock"))
        deaf.listen()
        observed = Watch().observe(NOBODY)
    assert (observed.state, "takes too long" in observed.detail) == ("unknown", True)


def test_containers_are_looked_at_from_many_threads(docker_engine: Any) -> None:
    watch = Watch()
    with ThreadPoolExecutor(8) as threads:
        states = {one.state for one in threads.map(watch.observe, [NOBODY] * 80)}
    assert states == {"stopped"}


def test_an_image_that_is_missing_is_named(docker_engine: Any) -> None:
    with Engine() as engine, pytest.raises(EngineFailureError, match="nosuch"):
        engine.create("nosuch:1", name="modelyard-never")


def test_a_missing_package_says_how_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(MissingExtraError, match=r"modelyard\[docker\]"):
        Engine()


@LEAVES_A_SOCKET
def test_an_archive_that_is_none_is_refused(leaky: None, docker_engine: Any, short: Path) -> None:
    (short / "image.tar").write_bytes(b"not an archive" * 100)
    with Engine() as engine, pytest.raises(EngineFailureError, match="load"):
        engine.load_image(short / "image.tar", "sha256:" + "0" * 64, "modelyard-image:none")
