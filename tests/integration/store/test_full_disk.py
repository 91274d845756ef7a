"""A full disk: a clear error, nothing corrupt, and work goes on when there is room again."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.contract.conftest import Served

from modelyard.backend.backend import Backend
from modelyard.backend.embedded import open_embedded
from modelyard.errors import StorageFullError
from modelyard.store.creation import create_store
from modelyard.store.store import Store
from modelyard.tracking.run import ExperimentQuery, NewExperiment


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 4 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def root(disk: Path) -> Path:
    create_store(disk / ".modelyard", "small", {}, exist_ok=False)
    return disk / ".modelyard"


@pytest.fixture
def backend(root: Path) -> Iterator[Backend]:
    opened = open_embedded(root)
    yield opened
    opened.close()


def _fill(disk: Path) -> Path:
    """Take all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return ballast
    raise AssertionError("the disk has no end")


def _create_until_full(backend: Backend, done: list[str]) -> None:
    for number in range(10_000):
        backend.experiments.create(NewExperiment(name=f"e{number}", description="x" * 500))
        done.append(f"e{number}")


def _sound(root: Path) -> bool:
    connection = sqlite3.connect(root / "modelyard.db")
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


def test_an_upload_that_does_not_fit_leaves_nothing(root: Path, backend: Backend) -> None:
    kept = backend.blobs.put(b"before")

    with pytest.raises(StorageFullError, match="workspace gc"):
        backend.blobs.put(os.urandom(8 << 20))

    assert list((root / "blobs" / "incoming").iterdir()) == []
    assert backend.blobs.read(kept) == b"before"
    assert backend.blobs.read(backend.blobs.put(os.urandom(1 << 20)))


def test_a_download_that_does_not_fit_leaves_what_was_there(disk: Path, backend: Backend) -> None:
    sha256 = backend.blobs.put(os.urandom(1 << 20))
    target = disk / "target"
    target.write_bytes(b"old")
    ballast = _fill(disk)

    with pytest.raises(StorageFullError):
        backend.blobs.get(sha256, target)

    assert target.read_bytes() == b"old"
    ballast.unlink()
    backend.blobs.get(sha256, target)
    assert target.stat().st_size == 1 << 20


def test_a_commit_that_does_not_fit_changes_nothing(disk: Path, root: Path, backend: Backend) -> None:
    backend.experiments.create(NewExperiment(name="before"))
    ballast = _fill(disk)

    done: list[str] = []
    with pytest.raises(StorageFullError):
        _create_until_full(backend, done)

    ballast.unlink()
    there = {one.name for one in backend.experiments.list(ExperimentQuery(limit=1000)).items}
    assert there == {"before", *done}
    assert _sound(root)
    backend.experiments.create(NewExperiment(name="after"))


def test_a_workspace_that_does_not_fit_is_made_when_there_is_room(disk: Path) -> None:
    ballast = _fill(disk)
    with pytest.raises(StorageFullError):
        create_store(disk / ".modelyard", "small", {}, exist_ok=False)
    ballast.unlink()

    assert create_store(disk / ".modelyard", "small", {}, exist_ok=True).name == "small"


def test_a_server_says_507_and_serves_on(disk: Path, root: Path) -> None:
    served = Served(Store.open(root))
    try:
        data = os.urandom(8 << 20)
        headers = {"authorization": f"Bearer {served.tokens['owner']}"}
        sha256 = "ab" * 32
        refused = httpx.put(f"{served.url}/api/v1/blobs/{sha256}", content=data, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (507, "storage-full")

        for part in (root / "blobs" / "incoming").iterdir():
            part.unlink()
        ballast = _fill(disk)
        with httpx.Client(base_url=f"{served.url}/api/v1", headers=headers, timeout=60) as client:
            bodies = ({"name": f"e{number}", "description": "x" * 500} for number in range(300))
            answers = [client.post("/experiments", json=body).status_code for body in bodies]
            assert answers[-1] == 507

            ballast.unlink()
            assert client.post("/experiments", json={"name": "after"}).status_code == 200
    finally:
        served.close()
    assert _sound(root)
