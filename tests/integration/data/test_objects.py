"""Object stores that refuse, fail, hang, or are cut off half-way."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.contract.data import azure
from tests.integration.store.cutting import CuttingProxy

from modelyard import Datastore, Workspace
from modelyard.data import objects
from modelyard.errors import (
    CredentialMissingError,
    DatastoreFailedError,
    DatastoreRefusedError,
    DigestMismatchError,
    FilesDifferError,
)

SECRET = "c2VjcmV0LXRoYXQtaXMtbm90LXNob3du"


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "RETRIES", 0)
    monkeypatch.setattr(objects, "READ_TIMEOUT", 0.5)


@pytest.fixture
def store(workspace: Workspace, azurite_url: str, monkeypatch: pytest.MonkeyPatch) -> Datastore:
    monkeypatch.setenv(azure.VARIABLE, azure.KEY)
    return azure.register(workspace, azurite_url)


class Broken(BaseHTTPRequestHandler):
    """Answers 500, or to what is below ``/hangs`` nothing until the test is over."""

    over = threading.Event()

    def do_GET(self) -> None:
        if self.path.startswith("/hangs"):
            self.over.wait(60)
        self.send_response(500)
        self.send_header("content-length", "0")
        self.end_headers()

    do_HEAD = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that the class looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def broken() -> Iterator[str]:
    Broken.over.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    Broken.over.set()
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("at", ["", "/hangs"])
def test_a_store_that_fails_or_hangs_is_said_without_its_secret(
    workspace: Workspace, broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    monkeypatch.setenv("BROKEN", f"sv=2021-12-02&sig={SECRET}")
    store = Datastore.register_azure_blob_container(
        workspace, "broken", "container", "account", sas_token="env:BROKEN", endpoint=broken + at
    )
    (tmp_path / "f").write_text("1")

    for call in (store.list, lambda: store.upload_files([tmp_path / "f"]), lambda: store.access.delete(["f"])):
        with pytest.raises(DatastoreFailedError, match="'broken' failed") as error:
            call()
        assert SECRET not in str(error.value)
        assert error.value.__cause__ is None
        assert error.value.__suppress_context__


def test_a_wrong_key_is_refused_and_a_missing_one_is_said(
    store: Datastore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(azure.VARIABLE, SECRET)
    with pytest.raises(DatastoreRefusedError, match="'objects' refuses") as error:
        store.list()
    assert SECRET not in str(error.value)

    monkeypatch.delenv(azure.VARIABLE)
    with pytest.raises(CredentialMissingError, match=f"env:{azure.VARIABLE}"):
        Datastore(workspace, "objects").list()


def test_nothing_of_a_credential_is_kept(store: Datastore, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("1")
    store.upload_files([tmp_path / "f"])

    shown = f"{store!r} {store.info!r} {store.access!r} {vars(store.access)!r}"
    assert azure.KEY not in shown
    workspace.close()
    assert [
        p for p in Path(workspace.location).rglob("*") if p.is_file() and azure.KEY.encode() in p.read_bytes()
    ] == []


@pytest.mark.usefixtures("_impatient")
def test_a_download_that_is_cut_goes_on_where_it_was(
    store: Datastore, workspace: Workspace, azurite_url: str, tmp_path: Path
) -> None:
    data = os.urandom(24 << 20)
    (tmp_path / "large").write_bytes(data)
    store.upload_files([tmp_path / "large"])
    target = tmp_path / "back"

    proxy = CuttingProxy(
        int(azurite_url.rpartition(":")[2].partition("/")[0]), [20 << 20] * 9, up=False
    )  # more than waits unread when a connection is reset
    _at(workspace, store, f"http://127.0.0.1:{proxy.port}/{azure.ACCOUNT}")
    with pytest.raises(DatastoreFailedError):
        Datastore(workspace, "objects").download(target)
    proxy.close()
    (part,) = target.iterdir()
    assert part.name.startswith(".part-")
    assert data.startswith(part.read_bytes())
    arrived = part.stat().st_size
    assert arrived > 0

    _at(workspace, store, azurite_url)
    part.write_bytes(bytes(arrived))  # what arrived is used: other bytes are found at the end
    with pytest.raises(DigestMismatchError):
        Datastore(workspace, "objects").download(target)
    assert Datastore(workspace, "objects").download(target) == 1
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {"large": data}


def test_a_file_that_goes_in_parts_is_whole_and_is_not_sent_again(store: Datastore, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(os.urandom((20 << 20) + 1))
    store.upload_files([tmp_path / "large"])
    (before,) = store.list()
    store.upload_files([tmp_path / "large"])

    assert store.list() == [before]
    assert store.download(tmp_path / "back") == 1
    assert (tmp_path / "back/large").read_bytes() == (tmp_path / "large").read_bytes()


def test_what_others_put_there_is_compared_by_reading_it(store: Datastore, tmp_path: Path) -> None:
    import obstore

    obstore.put(store.access._store, "theirs", b"content")
    (tmp_path / "theirs").write_text("content")
    store.upload_files([tmp_path / "theirs"])
    (tmp_path / "theirs").write_text("CONTENT")
    with pytest.raises(FilesDifferError):
        store.upload_files([tmp_path / "theirs"])


def _at(workspace: Workspace, store: Datastore, url: str) -> None:
    kind = store.info.kind
    Datastore.register_azure_blob_container(
        workspace,
        "objects",
        kind.container,
        kind.account,
        account_key=kind.account_key,
        endpoint=url,
        prefix=kind.prefix,
        overwrite=True,
    )
