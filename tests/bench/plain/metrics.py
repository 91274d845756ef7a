"""Insert rows of the shape of our table of metrics with the standard library alone, each in its own transaction."""

import itertools
import sqlite3
import time
from pathlib import Path

import stopwatch

_TABLE = """
CREATE TABLE metric (
    run INTEGER NOT NULL, name VARCHAR(250) NOT NULL, position INTEGER NOT NULL, kind VARCHAR(32) NOT NULL,
    number FLOAT, document BLOB, step BIGINT, time FLOAT NOT NULL, description TEXT, blob VARCHAR(64),
    PRIMARY KEY (run, name, position)
) WITHOUT ROWID
"""
_INSERT = "INSERT INTO metric VALUES (1, 'loss', ?, 'scalar', 0.5, NULL, ?, ?, NULL, NULL)"

given = stopwatch.given()
steps = itertools.count()
connection = sqlite3.connect(Path(given["where"]) / "plain.db", isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL").close()
connection.execute("PRAGMA synchronous = NORMAL").close()
connection.execute(_TABLE)


def insert() -> None:
    step = next(steps)
    connection.execute(_INSERT, (step + 1, step, time.time()))


stopwatch.tell(log=stopwatch.rate(insert, given["seconds"]))
connection.close()
