"""Migrations: whoever opens a workspace, at the same time or cut short, finds it whole and migrated once."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from modelyard.backend.backend import ROOMS
from modelyard.errors import NewerWorkspaceError
from modelyard.server.app import create_app
from modelyard.store import migration
from modelyard.store.database import Database, sqlite_url
from modelyard.store.schema import HEAD, metadata
from modelyard.store.store import Store

SCRIPTS = Path(migration.__file__).parent / "migrations"
OPEN = """
import sys
from pathlib import Path
from modelyard.store import migration
from modelyard.store.store import Store

upgrade = migration._upgrade
def counted(database):
    with open(sys.argv[2], "a") as count:
        count.write("x")
    upgrade(database)
migration._upgrade = counted
Store.open(Path(sys.argv[1])).close()
"""


def _old(root: Path) -> None:
    """Make a database of the first schema, with a row in it."""
    root.mkdir()
    database = Database(sqlite_url(root / "modelyard.db"))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("INSERT INTO workspace VALUES (1, 'old', x'7b7d')")
    database.close()


def test_the_newest_migration_is_the_version_of_the_code() -> None:
    assert max(path.name[:4] for path in (SCRIPTS / "versions").glob("[0-9]*.py")) == HEAD


def test_the_migrated_schema_is_that_of_the_code(tmp_path: Path) -> None:
    assert ROOMS
    assert create_app  # with the server's own tables loaded too
    store = Store.open(tmp_path)
    with store.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store.close()


@pytest.mark.parametrize("old", [False, True], ids=["empty", "old"])
def test_eight_who_open_at_once_migrate_once(tmp_path: Path, old: bool) -> None:
    root, count = tmp_path / "root", tmp_path / "count"
    _old(root) if old else root.mkdir()
    opening = [subprocess.Popen([sys.executable, "-c", OPEN, str(root), str(count)]) for _ in range(8)]

    assert [one.wait(120) for one in opening] == [0] * 8
    assert count.read_text() == "x"
    assert _version(root) == HEAD
    if old:
        assert _rows(root, "SELECT name FROM workspace") == [("old",)]


def test_a_migration_that_is_killed_is_done_by_the_next_who_opens(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _old(root)
    for delay in (0.0, 0.01, 0.02, 0.04, 0.06, 0.1):
        child = os.fork()
        if child == 0:
            Store.open(root)
            signal.pause()
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert _version(root) in {"0001", HEAD}
        assert _rows(root, "PRAGMA integrity_check") == [("ok",)]

    Store.open(root).close()

    assert _version(root) == HEAD
    assert _rows(root, "SELECT name FROM workspace") == [("old",)]


def test_a_newer_workspace_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "modelyard.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = (tmp_path / "modelyard.db").read_bytes()

    with pytest.raises(NewerWorkspaceError, match="9999"):
        Store.open(tmp_path)

    assert (tmp_path / "modelyard.db").read_bytes() == before


def _version(root: Path) -> str:
    return str(_rows(root, "SELECT version_num FROM alembic_version")[0][0])


def _rows(root: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(root / "modelyard.db")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()
