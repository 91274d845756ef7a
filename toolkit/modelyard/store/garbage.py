"""Remove the blobs that nothing refers to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from sqlalchemy import select

from modelyard.operation import operation
from modelyard.store.references import below, keep_out_writers
from modelyard.store.schema import digest_columns
from modelyard.store.store import Store

_GOING_ON = 60.0
"""Seconds for which an upload that got no bytes may still be going on."""


class CollectGarbage(Struct, frozen=True, kw_only=True):
    """Which blobs may go: those last used more than `older_than` seconds ago that nothing refers to."""

    older_than: float = 3600.0
    dry_run: bool = False


class CollectedGarbage(Struct, frozen=True, kw_only=True):
    """What went, or with a dry run what would: how many blobs and unfinished uploads, and their bytes."""

    blobs: int
    unfinished: int
    size: int
    kept: int
    dry_run: bool


class Garbage:
    """What can be done with blobs that nothing refers to."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("POST /garbage", role="owner")
    def collect(self, request: CollectGarbage) -> CollectedGarbage:
        """Remove blobs that no row refers to, directly or through a tree, and uploads that were given up.

        A blob that is put again, or asked for before an upload, counts as used, so that what a client is about to
        refer to stays; rows that refer to it are looked at inside the transaction that keeps writers out.
        """
        oldest = time.time() - request.older_than
        with self._store.database.write():
            keep_out_writers(self._store.database)
            alive = set(self._alive())
            dead = [p for p in self._kept() if p.name not in alive and _changed(p) < oldest]
            unfinished = [p for p in self._unfinished() if _changed(p) < oldest]
            size = sum(p.stat().st_size for p in (*dead, *unfinished))
            if not request.dry_run:
                for path in (*dead, *unfinished):
                    path.unlink(missing_ok=True)
        return CollectedGarbage(
            blobs=len(dead),
            unfinished=len(unfinished),
            size=size,
            kept=sum(1 for _ in self._kept()) - (len(dead) if request.dry_run else 0),
            dry_run=request.dry_run,
        )

    def _kept(self) -> Iterator[Path]:
        yield from (self._store.blobs.path(sha256) for sha256 in self._store.blobs.digests())

    def _unfinished(self) -> Iterator[Path]:
        """List unfinished uploads, but for those that are going on: what got bytes in the last minute."""
        oldest = time.time() - _GOING_ON
        if self._store.blobs.incoming.is_dir():
            found = self._store.blobs.incoming.iterdir()
            yield from (path for path in found if path.is_file() and _changed(path) < oldest)

    def _alive(self) -> Iterator[str]:
        with self._store.database.write() as connection:
            for column in digest_columns():
                for (digest,) in connection.execute(select(column).where(column.is_not(None)).distinct()):
                    yield digest
                    yield from below(self._store.blobs, digest)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
