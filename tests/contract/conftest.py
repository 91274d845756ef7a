"""One fresh workspace a test, reached in every way there is: in process on SQLite and PostgreSQL, and over HTTP."""

import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from modelyard.backend.backend import Backend
from modelyard.backend.embedded import open_embedded
from modelyard.backend.remote import connect
from modelyard.sdk.workspace import Workspace
from modelyard.server.access import NewToken, Tokens
from modelyard.server.app import create_app
from modelyard.settings import Settings
from modelyard.store.creation import create_store
from modelyard.store.identity import Identity, NewWorkspace
from modelyard.store.store import Store

NAME = "contract"
WAYS = ("sqlite", "postgres", "http")


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open, as they do in the real server

    def log_request(self, *_: object, **__: object) -> None:
        """Say nothing."""


class Served:
    """A workspace behind a real socket, with a token of each role."""

    def __init__(self, store: Store) -> None:
        self.store = store
        issue = Tokens(store).create
        roles = ("reader", "contributor", "owner")
        self.tokens = {role: issue(NewToken(name=role, role=role)).secret for role in roles}
        self.app = create_app(store)
        self._server = make_server("127.0.0.1", 0, self.app, threaded=True, request_handler=_Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving, and close the store."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.store.close()


@pytest.fixture(scope="session")
def _empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template") / ".modelyard"
    create_store(root, NAME, {"team": "tests"}, exist_ok=False)
    return root


@pytest.fixture
def folder(_empty_folder: Path, tmp_path: Path) -> Path:
    """Give the folder of a fresh workspace; copying one is quicker than migrating another."""
    return _copied(_empty_folder, tmp_path)


def _copied(template: Path, base: Path) -> Path:
    return Path(shutil.copytree(template, base / "workspace" / ".modelyard"))


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    name = f"template_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    store = Store.open(tmp_path_factory.mktemp("postgres"), _database_url(postgres_server, name))
    Identity(store).create(NewWorkspace(name=NAME, labels={"team": "tests"}))
    store.close()
    yield name
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _database_url(server: str, name: str) -> str:
    return server.removesuffix("/postgres") + f"/{name}"


@contextmanager
def _postgres_rows(server: str, template: str) -> Iterator[str]:
    """Give the URL of a PostgreSQL database that holds a fresh workspace's rows."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _database_url(server, name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    """Serve a fresh workspace on a real socket."""
    server = Served(Store.open(folder))
    yield server
    server.close()


@contextmanager
def fresh(way: str, request: pytest.FixtureRequest, base: Path) -> Iterator[Callable[[], Backend]]:
    """Give what opens one fresh workspace, again and again, in one of `WAYS`; `base` holds its files."""
    if way == "postgres":
        server = request.getfixturevalue("postgres_server")
        with _postgres_rows(server, request.getfixturevalue("_postgres_template")) as url:
            yield lambda: open_embedded(base / "blobs-of-postgres", url)
        return
    folder = _copied(request.getfixturevalue("_empty_folder"), base)
    if way == "sqlite":
        yield lambda: open_embedded(folder)
        return
    server = Served(Store.open(folder))
    yield lambda: connect(server.url, server.tokens["owner"])
    server.close()


@pytest.fixture(params=WAYS)
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Backend]]:
    """Give what opens one fresh workspace, again and again, in each of the ways there are."""
    with fresh(request.param, request, tmp_path) as opening:
        yield opening


@pytest.fixture
def backend(opens: Callable[[], Backend]) -> Iterator[Backend]:
    """Open a fresh workspace in each of the ways there are."""
    opened = opens()
    yield opened
    opened.close()


@pytest.fixture
def workspace(backend: Backend) -> Workspace:
    """Hold a fresh workspace, opened in each of the ways there are."""
    return Workspace(backend, Settings.read())
