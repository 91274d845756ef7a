"""Transactions on SQLite: what joins, what is refused, what is undone, and who has which connection."""

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from modelyard.store.database import Database, sqlite_url

INTERRUPTS = 300


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(sqlite_url(tmp_path / "rows.db"))
    with database.write() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
    yield database
    database.close()


def _add(database: Database, value: int) -> None:
    with database.write() as connection:
        connection.execute(text("INSERT INTO t VALUES (:x)"), {"x": value})


def _rows(database: Database) -> list[int]:
    with database.read() as connection:
        return [row[0] for row in connection.execute(text("SELECT x FROM t ORDER BY x"))]


def test_a_write_inside_a_read_is_refused(database: Database) -> None:
    with database.read(), pytest.raises(RuntimeError, match="cannot turn to writing"):
        _add(database, 1)
    assert _rows(database) == []


def test_nested_writes_are_one(database: Database) -> None:
    with database.write() as outer:
        _add(database, 1)
        with database.write() as inner:
            assert inner is outer
        assert _rows(database) == [1]
    assert _rows(database) == [1]


def test_an_exception_undoes_nested_writes_too(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write():  # noqa: PT012 - the transaction is what is tried
        _add(database, 1)
        raise ZeroDivisionError
    assert _rows(database) == []


def test_an_exception_undoes_an_append(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.append() as execute:  # noqa: PT012
        execute("INSERT INTO t VALUES (:x)", {"x": 1})
        raise ZeroDivisionError
    with database.append() as execute:
        execute("INSERT INTO t VALUES (:x)", {"x": 2})
    assert _rows(database) == [2]


def test_each_thread_keeps_a_connection_of_its_own(database: Database) -> None:
    found: list[bool] = []

    def ask() -> None:
        found.append(database.connection() is database.connection())
        found.append(database.connection() is not mine)

    mine = database.connection()
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [True, True]
    assert database.connection() is mine


def test_a_forked_child_gets_a_connection_of_its_own(database: Database) -> None:
    mine = database.connection()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        status = 1
        try:
            _add(database, 7)
            status = 0 if database.connection() is not mine else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert _rows(database) == [7]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # one in a destructor is lost
def test_an_exception_from_a_signal_may_come_at_any_instruction(database: Database) -> None:
    done, interrupted, delays = 0, 0, random.Random(7)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        while interrupted < INTERRUPTS:
            try:
                signal.setitimer(signal.ITIMER_REAL, delays.uniform(2e-5, 6e-4))
                for _ in range(100):  # which take longer than the delay: an exception that was lost comes no more
                    _add(database, done)
                    done += 1
            except (KeyboardInterrupt, AssertionError):  # the latter is SQLAlchemy's, interrupted while it commits
                interrupted += 1
            rows = _rows(database)  # what was being written is there or not; the connection can be used again
            assert len(rows) in (done, done + 1)
            done = len(rows)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
