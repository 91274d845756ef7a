"""Garbage goes, and nothing else: whatever a row refers to stays, directly or through a tree."""

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column

import modelyard.backend.backend  # noqa: F401 - loads the tables of every room
from modelyard.store.creation import create_store
from modelyard.store.garbage import CollectGarbage, Garbage
from modelyard.store.schema import digest_columns
from modelyard.store.store import Store
from modelyard.store.tree import Entry, Tree
from modelyard.store.trees import Trees

COLUMNS = list(digest_columns())
LONG_AGO = time.time() - 7200


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    create_store(tmp_path, "yard", {}, exist_ok=False)
    store = Store.open(tmp_path)
    yield store
    store.close()


def _age(store: Store) -> None:
    for path in store.blobs.root.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))


def _refer(store: Store, column: Column[Any], digest: str) -> None:
    """Write a row that refers to `digest`, with anything in what it must have besides."""
    needed: dict[str, Any] = {
        c.name: b"{}" if c.type.python_type is bytes else 1 for c in column.table.columns if not c.nullable
    }
    needed |= {c.name: "x" for c in column.table.columns if not c.nullable and c.type.python_type is str}
    connection = sqlite3.connect(store.root / "modelyard.db")  # foreign keys are not looked at here
    names = list(needed | {column.name: digest})
    marks = ", ".join(f":{name}" for name in names)
    with connection:
        connection.execute(
            f"INSERT INTO {column.table.name} ({', '.join(names)}) VALUES ({marks})",
            needed | {column.name: digest},
        )
    connection.close()


@pytest.mark.parametrize("column", COLUMNS, ids=str)
def test_what_a_column_refers_to_stays_with_the_files_of_its_tree(store: Store, column: Column[Any]) -> None:
    file = store.blobs.put(b"in a tree")
    dead = store.blobs.put(b"nowhere")
    tree = Trees(store).create(Tree.of([Entry(path="a", sha256=file, size=9)])).digest
    _refer(store, column, tree)
    _age(store)

    planned = Garbage(store).collect(CollectGarbage(dry_run=True))
    assert store.blobs.missing([dead]) == set()
    _age(store)
    done = Garbage(store).collect(CollectGarbage())

    assert set(store.blobs.digests()) == {file, tree}
    assert (done.blobs, done.size, done.kept) == (planned.blobs, planned.size, planned.kept) == (1, 7, 2)
    assert store.blobs.missing([dead]) == {dead}


def test_unfinished_uploads_go_when_they_are_old(store: Store) -> None:
    store.blobs.incoming.mkdir(parents=True)
    old, new = store.blobs.incoming / "old", store.blobs.incoming / "new"
    old.write_bytes(b"12")
    _age(store)
    new.write_bytes(b"123")

    done = Garbage(store).collect(CollectGarbage())

    assert (done.unfinished, done.size) == (1, 2)
    assert (old.exists(), new.exists()) == (False, True)
