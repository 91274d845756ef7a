"""A workspace with ladders to climb, and processes that climb them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.runner.ladder import build

from modelyard.store.creation import create_store
from modelyard.store.store import Store

ROOT = Path(__file__).resolve().parents[3]
FULL = bool(os.environ.get("MODELYARD_FULL"))

Run = Callable[..., list[str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the folder of a fresh workspace."""
    folder = tmp_path / ".modelyard"
    create_store(folder, "ladders", {}, exist_ok=False)
    return folder


@pytest.fixture(params=["sqlite"])
def store(root: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Open a fresh workspace's store, with its rows in SQLite if not asked otherwise."""
    opened = Store.open(root, request.getfixturevalue("empty_postgres_url") if request.param == "postgres" else None)
    yield opened
    opened.close()


@pytest.fixture
def forks(root: Path, store: Store) -> Run:
    """Give what builds ladders, runs a case of `forks` on them, and returns its lines."""

    def run(case: str, *arguments: object, ladders: tuple[str, ...], top: int) -> list[str]:
        build(store.database, ladders, top)
        command = [sys.executable, "-m", "tests.integration.runner.forks", case, str(root), *map(str, arguments)]
        rows = {} if store.database.is_sqlite else {"LADDERS_DATABASE": store.database.url}
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | rows, capture_output=True, text=True, timeout=500, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run
