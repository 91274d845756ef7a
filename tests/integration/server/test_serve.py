"""A server in a process of its own: its first words, where it listens, and how it ends."""

import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from tests.integration.server_process import ServerProcess

from modelyard.store.creation import create_store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_store(tmp_path / ".modelyard", "served", {}, exist_ok=False)
    return tmp_path / ".modelyard"


def _refused(root: Path, *options: str) -> str:
    script = "from modelyard.cli.main import main; main()"
    command = [sys.executable, "-c", script, "server", "start", "--workspace", str(root), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_the_owners_token_is_shown_once(root: Path) -> None:
    with ServerProcess(root) as first:
        headers = {"authorization": f"Bearer {first.token}"}
        assert httpx.get(f"{first.url}/api/v1/tokens", headers=headers).status_code == 200
    with ServerProcess(root) as second:
        assert second.token is None
        assert httpx.get(f"{second.url}/api/v1/tokens", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "--behind-proxy"),
        (["--host", "0.0.0.0", "--behind-proxy"], "--allow-host"),
        (["--host", "192.0.2.1"], "--certificate"),
    ],
)
def test_an_address_that_others_reach_needs_protection(root: Path, options: list[str], said: str) -> None:
    assert said in _refused(root, *options)


def test_a_port_in_use_is_said(root: Path) -> None:
    with ServerProcess(root) as server:
        assert "--port" in _refused(root, "--port", str(server.port))


def test_a_folder_without_a_workspace_is_said(tmp_path: Path) -> None:
    assert "workspace create" in _refused(tmp_path / "nowhere")


def test_what_is_in_flight_is_finished_before_it_ends(root: Path) -> None:
    server = ServerProcess(root)
    headers = {"authorization": f"Bearer {server.token}"}
    begun, go_on = threading.Event(), threading.Event()
    answers: list[int] = []

    def body() -> object:
        yield b'{"name": '
        begun.set()
        go_on.wait(60)
        yield b'"late"}'

    def send() -> None:
        answers.append(
            httpx.post(f"{server.url}/api/v1/experiments", content=body(), headers=headers, timeout=60).status_code
        )

    client = threading.Thread(target=send)
    client.start()
    begun.wait(60)
    assert httpx.get(f"{server.url}/live").status_code == 200
    server.process.terminate()
    go_on.set()
    client.join(60)
    status, said = server.stop()

    assert (answers, status) == ([200], 0)
    assert "Traceback" not in said


def test_a_body_without_an_end_is_refused(root: Path) -> None:
    with ServerProcess(root) as server:
        headers = {"authorization": f"Bearer {server.token}"}
        chunks = (b" " * (1 << 20) for _ in range(40))
        answer = httpx.post(f"{server.url}/api/v1/experiments", content=chunks, headers=headers, timeout=60)

    assert answer.status_code == 413
