"""What keeps blobs from garbage collection: rows that refer to them, directly or through a tree.

Whoever writes a digest into a row calls `refer` in the same transaction. Collection runs in a transaction that keeps
those out (SQLite has one writer; on PostgreSQL the two exclude each other by an advisory lock), so that what was found
there stays, and what was collected is missed before anything is promised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import text

from modelyard.errors import MissingBlobError
from modelyard.store.blobs import BlobFolder
from modelyard.store.database import Database
from modelyard.store.tree import Tree

_LOCK = 0x6D6F6763  # "mogc": any fixed number serves, it only has to be ours
_TREE = b'{"entries":['
"""How the canonical form of a tree begins."""


def refer(database: Database, blobs: BlobFolder, digests: Iterable[str]) -> None:
    """Make sure that blobs are kept, and with a tree its files; to be called in the transaction that writes them.

    Raises
    ------
    MissingBlobError
        If one is not kept.
    """
    wanted = list(digests)
    if wanted and not database.is_sqlite:
        database.connection().execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _LOCK})
    for digest in wanted:
        for missing in blobs.missing([digest]) or blobs.missing(below(blobs, digest)):
            raise MissingBlobError(missing)


def keep_out_writers(database: Database) -> None:
    """Let nobody refer to a blob until the open transaction ends."""
    if not database.is_sqlite:
        database.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def below(blobs: BlobFolder, digest: str) -> Iterator[str]:
    """List the files of a tree; nothing for a blob that is no tree, or is not there."""
    try:
        with blobs.path(digest).open("rb") as file:
            start = file.read(len(_TREE))
            tree = msgspec.json.decode(start + file.read(), type=Tree) if start == _TREE else None
    except (FileNotFoundError, msgspec.DecodeError):
        return
    yield from (entry.sha256 for entry in (tree.entries if tree else ()) if entry.sha256)
