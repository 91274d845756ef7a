"""Blobs to and from a server: whatever happens on the way, a blob is whole and right or not there."""

import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.integration.scoring.crowd import FULL
from tests.integration.server_process import ServerProcess
from tests.integration.store.cutting import CuttingProxy
from tests.ports import free_port

from modelyard.backend.remote import connect
from modelyard.errors import MissingBlobError
from modelyard.store.blobs import BlobFolder
from modelyard.store.creation import create_store

ROOT = Path(__file__).resolve().parents[3]
LIMIT = 150 << 20
SIZE = 2 << 30 if FULL else 512 << 20
CUTS = 72


class Yard:
    """A served workspace, and where its blobs are."""

    def __init__(self, root: Path, server: ServerProcess) -> None:
        self.kept = BlobFolder(root / "blobs")
        self.server = server
        self.token = server.token or ""
        self.root = root
        self.http = httpx.Client(
            base_url=f"{server.url}/api/v1", headers={"authorization": f"Bearer {self.token}"}, timeout=60
        )


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    root = tmp_path_factory.mktemp("served") / ".modelyard"
    create_store(root, "served", {}, exist_ok=False)
    with ServerProcess(root) as server:
        opened = Yard(root, server)
        yield opened
        opened.http.close()


CLIENT = """
import sys
from pathlib import Path
from modelyard.backend.remote import connect
from tests.integration.server_process import peak

backend = connect(sys.argv[1], sys.argv[2])
sha256 = backend.blobs.put(Path(sys.argv[3]))
backend.blobs.get(sha256, Path(sys.argv[4]))
backend.close()
print(sha256, peak())
"""


def test_what_is_larger_than_memory_allows_passes_through_it_on_either_side(tmp_path: Path) -> None:
    root, source, copy = tmp_path / ".modelyard", tmp_path / "source", tmp_path / "copy"
    create_store(root, "large", {}, exist_ok=False)
    with source.open("wb") as file:
        file.truncate(SIZE)
        for place in range(0, SIZE, 64 << 20):
            file.seek(place)
            file.write(os.urandom(4096))
    with ServerProcess(root) as server:
        command = [sys.executable, "-c", CLIENT, server.url, str(server.token), str(source), str(copy)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        served = server.peak()

    sha256, used = done.stdout.split()
    with copy.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == sha256
    assert BlobFolder(root / "blobs").path(sha256).stat().st_size == SIZE
    assert int(used) < LIMIT, f"the client held {int(used) >> 20} MB"
    assert served < LIMIT, f"the server held {served >> 20} MB"
    for large in (source, copy, BlobFolder(root / "blobs").path(sha256)):
        large.unlink()


def test_an_upload_that_is_cut_again_and_again_arrives_whole(yard: Yard, tmp_path: Path) -> None:
    data = random.Random(1).randbytes(8 << 20)
    cuts = _cuts(len(data))
    proxy = CuttingProxy(yard.server.port, cuts, up=True)
    seen = _Watch(yard.kept, hashlib.sha256(data).hexdigest(), len(data))
    backend = connect(f"http://127.0.0.1:{proxy.port}", yard.token)

    with seen:
        sha256 = backend.blobs.put(_file(tmp_path, data))

    backend.close()
    proxy.close()
    assert yard.kept.read(sha256) == data
    assert seen.wrong == []
    assert proxy.cut >= 64


def test_a_download_that_is_cut_again_and_again_arrives_whole(yard: Yard, tmp_path: Path) -> None:
    data = random.Random(2).randbytes(8 << 20)
    sha256 = yard.kept.put(data)
    proxy = CuttingProxy(yard.server.port, _cuts(len(data)), up=False)
    backend = connect(f"http://127.0.0.1:{proxy.port}", yard.token)
    target = tmp_path / "target"

    backend.blobs.get(sha256, target)

    backend.close()
    proxy.close()
    assert target.read_bytes() == data
    assert proxy.cut >= 64
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def _cuts(size: int) -> list[int]:
    """Choose where to cut: in the headers, at the first bytes, and anywhere; the sum stays below the whole."""
    chance = random.Random(size)
    early = [1, 40, 200, 400, 1000, 4096]
    return early + [chance.randrange(2000, size // CUTS) for _ in range(CUTS - len(early))]


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "data"
    path.write_bytes(data)
    return path


class _Watch:
    """Looks at a blob all the time: it is there whole, or not at all."""

    def __init__(self, kept: BlobFolder, sha256: str, size: int) -> None:
        self._path, self._size = kept.path(sha256), size
        self.wrong: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(0.002):
            if self._path.exists() and self._path.stat().st_size != self._size:
                self.wrong.append(self._path.stat().st_size)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def test_an_upload_goes_on_after_its_server_was_killed(tmp_path: Path) -> None:
    root, data = tmp_path / ".modelyard", random.Random(3).randbytes(64 << 20)
    create_store(root, "killed", {}, exist_ok=False)
    server = ServerProcess(root, port=free_port())
    backend = connect(server.url, str(server.token))
    sha256 = hashlib.sha256(data).hexdigest()
    part = BlobFolder(root / "blobs").incoming / f"{sha256}.part"
    sent: list[str] = []
    client = threading.Thread(target=lambda: sent.append(backend.blobs.put(_file(tmp_path, data))))

    client.start()
    while client.is_alive() and not (part.exists() and part.stat().st_size > 4 << 20):
        time.sleep(0.001)
    server.kill()
    arrived = part.stat().st_size if part.exists() else len(data)
    with ServerProcess(root, port=server.port) as again:
        client.join(120)
        assert again.token is None
    backend.close()

    assert 0 < arrived <= len(data)
    assert sent == [sha256]
    assert BlobFolder(root / "blobs").read(sha256) == data


def test_two_clients_send_one_blob_at_once(yard: Yard, tmp_path: Path) -> None:
    data = random.Random(4).randbytes(16 << 20)
    file, sent = _file(tmp_path, data), []

    def send() -> None:
        backend = connect(yard.server.url, yard.token)
        sent.append(backend.blobs.put(file))
        backend.close()

    clients = [threading.Thread(target=send) for _ in range(2)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(120)

    assert sent == [hashlib.sha256(data).hexdigest()] * 2
    assert yard.kept.read(sent[0]) == data


@pytest.mark.parametrize(
    "text",
    ["bytes 0-9", "bytes 9-0/10", "bytes 0-10/10", "bytes -1-5/10", "items 0-9/10", "bytes 0-9/*", "bytes 5-9/10"],
)
def test_a_range_that_cannot_be_is_refused(yard: Yard, text: str) -> None:
    data = text.encode().ljust(10)[:10]
    sha256 = hashlib.sha256(data).hexdigest()

    answer = yard.http.put(f"/blobs/{sha256}", content=data, headers={"content-range": text})

    assert answer.status_code in {409, 422}
    assert not yard.kept.path(sha256).exists()


def test_bytes_with_another_digest_are_dropped(yard: Yard) -> None:
    sha256 = hashlib.sha256(b"right").hexdigest()

    answer = yard.http.put(f"/blobs/{sha256}", content=b"wrong")

    assert (answer.status_code, answer.json()["code"]) == (422, "digest-mismatch")
    assert yard.http.get(f"/blobs/{sha256}/arrived").json() == {"arrived": 0}
    assert yard.http.get(f"/blobs/{sha256}").status_code == 404
    assert yard.http.put(f"/blobs/{sha256}", content=b"right").status_code == 201


def test_a_blob_damaged_on_the_server_is_never_taken_for_it(yard: Yard, tmp_path: Path) -> None:
    sha256 = yard.kept.put(b"healthy bytes")
    yard.kept.path(sha256).write_bytes(b"damaged bytes")
    backend = connect(yard.server.url, yard.token)

    with pytest.raises(Exception, match="is damaged"):
        backend.blobs.get(sha256, tmp_path / "target")

    assert not (tmp_path / "target").exists()
    backend.close()


def test_a_blob_that_is_not_there_is_said_to_be_missing(yard: Yard, tmp_path: Path) -> None:
    backend = connect(yard.server.url, yard.token)

    with pytest.raises(MissingBlobError):
        backend.blobs.get("0" * 64, tmp_path / "target")

    backend.close()


def test_an_empty_blob_is_a_blob(yard: Yard, tmp_path: Path) -> None:
    backend = connect(yard.server.url, yard.token)

    backend.blobs.get(backend.blobs.put(b""), tmp_path / "target")

    backend.close()
    assert (tmp_path / "target").read_bytes() == b""
