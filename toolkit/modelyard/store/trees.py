"""What can be done with trees."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from modelyard.errors import MissingBlobError
from modelyard.operation import operation
from modelyard.store.blobs import Blobs, check_digest
from modelyard.store.store import Store
from modelyard.store.tree import Entry, Ignore, Tree, entry_of, scan

_SMALL = 1 << 20
"""Bytes below which a file is read at once."""
_AT_ONCE = 16 << 20
"""Bytes of small files that are held in memory."""


class TreeRef(Struct, frozen=True, kw_only=True):
    """A tree by its digest, with how many files and bytes it has."""

    digest: str
    files: int
    size: int


class Trees:
    """What can be done with trees: they are made, read, and never changed."""

    def __init__(self, store: Store) -> None:
        self._blobs = store.blobs

    @operation("POST /trees")
    def create(self, tree: Tree) -> TreeRef:
        """Keep a tree whose files are kept already.

        Raises
        ------
        MissingBlobError
            If a file's blob is not in the store.
        """
        tree = Tree.of(list(tree.entries))
        for sha256 in self._blobs.missing(entry.sha256 for entry in tree.files.values()):
            raise MissingBlobError(sha256)
        return TreeRef(digest=self._blobs.put(tree.encode()), files=len(tree.files), size=tree.size)

    @operation("GET /trees/{digest}")
    def get(self, digest: str) -> Tree:
        """Read a tree.

        Raises
        ------
        MissingBlobError
            If there is none of that digest.
        """
        return Tree.decode(self._blobs.read(check_digest(digest)), digest)


def keep_folder(
    folder: Path, blobs: Blobs, ignore: Ignore | None = None, seen: Callable[[str, int], None] | None = None
) -> Tree:
    """Keep every file below `folder` as a blob, and return the tree of them, which `Trees.create` then keeps.

    Parameters
    ----------
    seen
        Called with the path and the bytes of each file that has been kept: progress.

    Raises
    ------
    InvalidPathError
        If a link leaves the folder, or something is neither a file, a folder nor a link.
    """
    entries: list[Entry] = []
    small = _SmallFiles(blobs)
    for path, real, status in scan(folder, ignore):
        entries.append(entry_of(path, real, status, small.put if status.st_size < _SMALL else blobs.put))
        if seen is not None:
            seen(path, entries[-1].size)
    small.flush()
    return Tree.of(entries)


class _SmallFiles:
    """Small files on their way to `blobs`, asked for many at a time: most of a folder is often there already."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._waiting: dict[str, bytes] = {}
        self._size = 0

    def put(self, file: Path) -> str:
        """Take a file, and return its sha256."""
        data = file.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        self._waiting[sha256] = data
        self._size += len(data)
        if self._size > _AT_ONCE:
            self.flush()
        return sha256

    def flush(self) -> None:
        """Keep those that are not there yet."""
        for sha256 in self._blobs.missing(self._waiting):
            self._blobs.put(self._waiting[sha256])
        self._waiting.clear()
        self._size = 0


def keep_file(file: Path, blobs: Blobs) -> Tree:
    """Keep one file as a blob, and return the tree that holds just it."""
    return Tree.of([entry_of(file.name, file, file.stat(), blobs.put)])
