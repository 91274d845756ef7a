"""Connections and transactions, on SQLite or PostgreSQL.

Every thread keeps one connection open: opening one per call costs more than most calls do. On SQLite a transaction
that writes begins with ``BEGIN IMMEDIATE``, so that two writers wait for each other in place of failing (a deferred
transaction that turns to writing does not honour the busy timeout: https://www.sqlite.org/lang_transaction.html).
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import Table

from modelyard.errors import InvalidValueError, StorageFullError

Execute = Callable[[str, Mapping[str, Any]], Any]
"""Runs a statement with its values, and returns the driver's cursor or what has its `fetchone`."""

BUSY_TIMEOUT = 60
"""Seconds that a writer waits for another."""

IDLE_TIMEOUT = 30.0
"""Seconds after which PostgreSQL ends a transaction whose process says nothing: it may be stopped, and has locks."""


class Database:
    """The rows of a workspace.

    Parameters
    ----------
    url
        ``sqlite:///PATH`` or ``postgresql+psycopg://…``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _sqlite_engine(url) if url.startswith("sqlite") else _postgres_engine(url)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: list[tuple[int, Connection | sqlite3.Connection]] = []

    @property
    def is_sqlite(self) -> bool:
        """Whether the rows are in a SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the database; joins the thread's open one."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def write(self, *, synced: bool = True) -> Iterator[Connection]:
        """Open a transaction that may write; it is committed at the end, or leaves nothing. Joins an open one.

        Parameters
        ----------
        synced
            Wait at the end until the disk has it. Without that it outlives the process, killed or not, but on SQLite
            perhaps not a loss of power (the database is sound even then); a joined transaction ends as it was opened.

        Raises
        ------
        StorageFullError
            If the disk is full.
        """
        try:
            with self._transaction(writes=True, synced=synced) as connection:
                yield connection
        except (DBAPIError, sqlite3.OperationalError, OSError) as error:
            if _is_full(error):
                raise StorageFullError(self.url.removeprefix("sqlite:///")) from error
            raise

    @contextmanager
    def append(self) -> Iterator[Execute]:
        """Open a transaction for a few small writes, straight on the driver; joins the thread's open one.

        Statements are text with ``:name`` for each value. It is not synced (see `write`). On SQLite it has a connection
        of its own, so nothing else may be written by this thread until it ends.

        Raises
        ------
        StorageFullError
            If the disk is full.
        """
        if not self.is_sqlite or self.connection().in_transaction():
            with self.write(synced=False) as joined:
                yield self._execute(joined)
            return
        connection = self._appending()
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection.execute
            connection.execute("COMMIT")
        except BaseException as error:
            connection.rollback()  # does nothing if there is no transaction, or SQLite has ended it
            if _is_full(error):
                raise StorageFullError(self.url.removeprefix("sqlite:///")) from error
            raise

    def first(self, statement: str, values: Mapping[str, Any]) -> Any:
        """Return the first row that a statement finds, straight from the driver, or None; joins an open transaction."""
        if self.is_sqlite:
            return self._execute(self.connection())(statement, values).fetchone()
        with self.read() as connection:
            return self._execute(connection)(statement, values).fetchone()

    def connection(self) -> Connection:
        """Return this thread's connection, opened when first asked for; a forked process gets its own."""
        kept: tuple[int, Connection] | None = getattr(self._local, "kept", None)
        if kept is not None and kept[0] == os.getpid():
            return kept[1]
        kept = (os.getpid(), self.engine.connect())
        self._local.kept = kept
        with self._lock:
            self._open.append(kept)
        return kept[1]

    def insert(self, table: Table) -> Any:
        """Make an ``INSERT`` that can say what to do on conflict, in this database's dialect."""
        if self.is_sqlite:
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # not at the top: a tenth of what a script on SQLite starts with

        return postgresql.insert(table)

    def close(self) -> None:
        """Close the connections of all threads of this process."""
        with self._lock:
            mine = [connection for pid, connection in self._open if pid == os.getpid()]
            self._open.clear()
        for connection in mine:
            connection.close()
        self._local = threading.local()

    def _appending(self) -> sqlite3.Connection:
        kept: tuple[int, sqlite3.Connection] | None = getattr(self._local, "appending", None)
        if kept is not None and kept[0] == os.getpid():
            return kept[1]
        opened = sqlite3.connect(str(self.engine.url.database), check_same_thread=False)
        _prepare_sqlite(opened, None)
        opened.execute("PRAGMA synchronous = NORMAL").close()
        kept = (os.getpid(), opened)
        self._local.appending = kept
        with self._lock:
            self._open.append(kept)
        return opened

    def _execute(self, connection: Connection) -> Execute:
        if self.is_sqlite:
            return _driver(connection).execute
        return lambda statement, values: connection.execute(text(statement), values)

    @contextmanager
    def _transaction(self, *, writes: bool, synced: bool = True) -> Iterator[Connection]:
        connection = self.connection()
        if connection.in_transaction():
            if writes and not connection.info.get("writes"):
                raise RuntimeError("a transaction that reads cannot turn to writing")
            yield connection
            return
        connection.info.update(writes=writes, synced=synced)
        try:
            with _values_explained(), connection.begin():
                yield connection
        except BaseException:
            self._give_up_if_broken(connection)
            raise

    def _give_up_if_broken(self, connection: Connection) -> None:
        """Close a connection that a failure has left within a transaction; the thread's next call opens another.

        An exception may come at any instruction, from a signal's handler (Ctrl-C): then the driver has begun, and
        SQLAlchemy does not know it, or the other way round.
        """
        if connection.in_transaction() or (self.is_sqlite and _driver(connection).in_transaction):
            self._local.kept = None
            with self._lock:
                self._open = [kept for kept in self._open if kept[1] is not connection]
            connection.invalidate()


@contextmanager
def _values_explained() -> Iterator[None]:
    """Turn what a driver says of a value into the error that callers know (a NUL in a text, an integer too large)."""
    try:
        yield
    except (DataError, OverflowError) as error:
        cause = error.orig if isinstance(error, DataError) else error
        raise InvalidValueError("A value cannot be kept", str(cause).strip().split("\n", 1)[0]) from error


def _postgres_engine(url: str) -> Engine:
    options = f"-c idle_in_transaction_session_timeout={IDLE_TIMEOUT * 1000:.0f}"
    return create_engine(url, poolclass=NullPool, connect_args={"options": options})


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, poolclass=NullPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by us, not guessed by the driver
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT * 1000}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    info, driver = connection.info, _driver(connection)
    if info.get("writes") and info.get("synced") != info.get("syncs", True):
        # it cannot be set within a transaction, and holds for the connection until it is set again
        driver.execute(f"PRAGMA synchronous = {'FULL' if info['synced'] else 'NORMAL'}")
        info["syncs"] = info["synced"]
    driver.execute("BEGIN IMMEDIATE" if info.get("writes") else "BEGIN")


def _driver(connection: Connection) -> sqlite3.Connection:
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver


def _is_full(error: BaseException) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, OSError):
        return cause.errno in (errno.ENOSPC, errno.EDQUOT)
    return getattr(cause, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE"))


def sqlite_url(path: Path) -> str:
    """Write the URL of the SQLite database in the file `path`."""
    return f"sqlite:///{path}"
