"""Bring a database to the schema of this version: forwards only, under a lock, all or nothing."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from modelyard.errors import NewerWorkspaceError
from modelyard.store.database import Database
from modelyard.store.schema import HEAD

_ADVISORY_LOCK = 0x6D6F6479  # "mody": any fixed number serves, it only has to be ours
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database, lock: Path) -> None:
    """Bring `database` to version `HEAD`, once, whoever else tries at the same time.

    Parameters
    ----------
    lock
        A file to hold while migrating a SQLite database; PostgreSQL uses an advisory lock.

    Raises
    ------
    NewerWorkspaceError
        If a newer version wrote the database; it is left as it is.
    """
    if _found(database) == HEAD:
        return
    with _locked(database, lock):
        if _found(database) != HEAD:
            _upgrade(database)


def version(connection: Connection) -> str | None:
    """Read the schema's version; None before the first migration."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _found(database: Database) -> str | None:
    with database.read() as connection:
        found = version(connection)
    if found is not None and found > HEAD:
        raise NewerWorkspaceError(database.url.removeprefix("sqlite:///"), found, HEAD)
    return found


@contextmanager
def _locked(database: Database, lock: Path) -> Iterator[None]:
    if database.is_sqlite:
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    else:
        with database.engine.connect() as opened:
            # outside a transaction, which would be idle while the other connection migrates, and be ended for that
            connection = opened.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})


def _upgrade(database: Database) -> None:
    from alembic import command  # takes a tenth of a second: only those who migrate pay for it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
