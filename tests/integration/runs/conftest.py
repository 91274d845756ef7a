"""Workspaces in which scripts are submitted: in a folder, and behind a server on a real socket."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.ports import free_port
from werkzeug.serving import WSGIRequestHandler, make_server

from modelyard.sdk.experiment import Experiment
from modelyard.sdk.workspace import Workspace
from modelyard.server.access import NewToken, Tokens
from modelyard.server.app import create_app
from modelyard.store.creation import create_store
from modelyard.store.store import Store


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object, **__: object) -> None:
        """Say nothing."""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give this test a cache of its own."""
    monkeypatch.setenv("MODELYARD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def embedded(tmp_path: Path, cache: Path) -> Iterator[Workspace]:
    """Make a workspace in a folder."""
    with Workspace.create("tests", path=tmp_path / "home") as workspace:
        yield workspace


class Server:
    """A server of a workspace on a real socket, which can go away and come back."""

    def __init__(self, store: Store) -> None:
        self._app = create_app(store)
        self.port = free_port()

    def start(self) -> None:
        """Listen at the same port each time."""
        self._server = make_server("127.0.0.1", self.port, self._app, threaded=True, request_handler=_Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Go away."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give the store of a workspace that is to be served."""
    root = tmp_path / "served" / ".modelyard"
    create_store(root, "tests", {}, exist_ok=False)
    store = Store.open(root)
    yield store
    store.close()


@pytest.fixture
def server(store: Store) -> Iterator[Server]:
    """Serve a workspace."""
    server = Server(store)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def served(server: Server, store: Store, cache: Path) -> Iterator[Workspace]:
    """Connect to a workspace that is served."""
    secret = Tokens(store).create(NewToken(name="me")).secret
    with Workspace.connect(f"http://127.0.0.1:{server.port}", secret) as workspace:
        yield workspace


@pytest.fixture(params=["embedded", "served"])
def workspace(request: pytest.FixtureRequest) -> Workspace:
    """Give a workspace, reached in each of the ways there are."""
    found: Workspace = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def experiment(workspace: Workspace) -> Experiment:
    """Give an experiment of a workspace, reached in each of the ways there are."""
    return Experiment(workspace, "digits")


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Path]:
    """Give what writes a source folder: the text of ``train.py``, and other files by their paths."""

    def write(script: str = "", **files: str) -> Path:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        (folder / "train.py").write_text(script)
        for path, text in files.items():
            (folder / path).write_text(text)
        return folder

    return write


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Give what waits until something holds; it fails after a minute."""

    def until(holds: Callable[[], bool]) -> None:
        pause = threading.Event()
        for _ in range(1200):
            if holds():
                return
            pause.wait(0.05)
        pytest.fail("it did not happen within a minute")

    return until
