"""What ends an upload or a download half-way leaves whole files only, and the same call goes on from there."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.contract.conftest import Served
from tests.integration.store.cutting import CuttingProxy

from modelyard import Datastore, Workspace
from modelyard.backend import remote_blobs, transport
from modelyard.errors import StorageFullError, UnreachableError
from modelyard.store.store import Store

ROOT = Path(__file__).resolve().parents[3]
FILES = {f"part-{number // 100}/f{number}": f"content {number}\n".encode() * 20 for number in range(1200)}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def read(store: Datastore, folder: Path) -> dict[str, bytes]:
    store.download(folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["workspaceblobstore", "shared"])
def test_an_upload_that_is_killed_leaves_whole_files_and_goes_on(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    (tmp_path / "shared").mkdir()
    Datastore.register_folder(workspace, "shared", tmp_path / "shared")
    source = write(tmp_path / "source", FILES)
    arguments = ["-m", "tests.integration.data.halves", workspace.location, name, str(source), "500"]
    with subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half-way\n"
        process.kill()

    store = workspace.datastores[name]
    left = read(store, tmp_path / "left")
    assert 500 <= len(left) < len(FILES)
    assert left.items() <= FILES.items()

    store.upload(source)
    assert read(store, tmp_path / "back") == FILES


def test_a_folder_on_a_full_disk_keeps_whole_files_only(workspace: Workspace, disk: Path, tmp_path: Path) -> None:
    store = Datastore.register_folder(workspace, "small", disk)
    files = {f"f{number}": os.urandom(1 << 19) for number in range(12)}
    source = write(tmp_path / "source", files)

    with pytest.raises(StorageFullError):
        store.upload(source)

    left = read(store, tmp_path / "left")
    assert left.items() < files.items()
    assert {path.name for path in disk.iterdir()} == set(left)


def test_a_download_to_a_full_disk_keeps_whole_files_only(workspace: Workspace, disk: Path, tmp_path: Path) -> None:
    store = workspace.get_default_datastore()
    files = {f"f{number}": os.urandom(1 << 19) for number in range(12)}
    store.upload(write(tmp_path / "source", files))

    with pytest.raises(StorageFullError):
        store.download(disk)

    left = {path.name: path.read_bytes() for path in disk.iterdir()}
    assert left.items() < files.items()


@pytest.fixture
def served(workspace: Workspace) -> Served:
    server = Served(Store.open(Path(workspace.location)))
    yield server
    server.close()


def test_cut_connections_do_not_end_an_upload(served: Served, tmp_path: Path) -> None:
    files = {f"f{number}": os.urandom(300_000) for number in range(12)}
    proxy = CuttingProxy(int(served.url.rpartition(":")[2]), [100_000, 0, 250_000, 5, 200_000], up=True)
    with Workspace.connect(f"http://127.0.0.1:{proxy.port}", served.tokens["owner"]) as remote:
        store = remote.get_default_datastore()
        store.upload(write(tmp_path / "source", files))
        assert read(store, tmp_path / "back") == files
    proxy.close()


def test_a_server_that_goes_away_half_way_is_said_and_the_call_goes_on_later(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_WAIT", 0.001)
    monkeypatch.setattr(remote_blobs, "_TRIES", 1)
    files = {f"f{number}": os.urandom(300_000) for number in range(12)}
    source = write(tmp_path / "source", files)
    cuts = itertools.chain([None, 700_000, 700_000], itertools.repeat(0))
    proxy = CuttingProxy(int(served.url.rpartition(":")[2]), cuts, up=True)
    url = f"http://127.0.0.1:{proxy.port}"
    with Workspace.connect(url, served.tokens["owner"]) as remote, pytest.raises(UnreachableError, match=url):
        remote.get_default_datastore().upload(source)
    proxy.close()

    with Workspace.connect(served.url, served.tokens["owner"]) as remote:
        store = remote.get_default_datastore()
        assert store.list() == []
        store.upload(source)
        assert read(store, tmp_path / "back") == files


MEMORY = """
import sys
from pathlib import Path
from modelyard import Workspace
from tests.integration.server_process import peak
workspace, folder = Workspace.open(sys.argv[1]), Path(sys.argv[2])
stores = [workspace.datastores[name] for name in ("workspaceblobstore", "shared")]
(folder / "small").write_bytes(b"1")
for store in stores:
    store.upload_files([folder / "small"])
    store.download(folder / store.name)
before = peak()
with (folder / "large").open("wb") as file:
    file.truncate(200 << 20)
for store in stores:
    store.upload_files([folder / "large"])
    store.download(folder / store.name)
    assert (folder / store.name / "large").stat().st_size == 200 << 20
print(peak() - before)
"""


def test_a_large_file_takes_little_memory(workspace: Workspace, tmp_path: Path) -> None:
    for folder in ("shared", "work"):
        (tmp_path / folder).mkdir()
    Datastore.register_folder(workspace, "shared", tmp_path / "shared")
    command = [sys.executable, "-c", MEMORY, workspace.location, str(tmp_path / "work")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=True)

    assert int(done.stdout) < 64 << 20
