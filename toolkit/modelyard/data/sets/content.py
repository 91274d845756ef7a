"""The files of data sets: kept by the workspace, or listed where they stay; and brought back as they were."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from modelyard.data.access import Access, LocalFile, Readable, StoredFile, unchanged
from modelyard.data.errors import DatasetChangedError, FileChangedError
from modelyard.data.paths import joined
from modelyard.data.sets.dataset import DatasetVersion
from modelyard.data.streams import batches, in_streams
from modelyard.data.transfer import Seen
from modelyard.data.workspace_files import KeptFiles
from modelyard.store.blobs import Blobs, digest_of
from modelyard.store.tree import Entry, Tree

_MOST = 1000
"""Files whose digests are looked for in one call."""
_SMALL = 1 << 18
"""Bytes up to which a file is read once, and stays in memory until it is known whether it is kept already."""
_ENOUGH = 32 << 20
"""Bytes of small files that are in memory at a time."""

_Read = tuple[LocalFile, str, bytes | None]


def keep(files: Sequence[LocalFile], blobs: Blobs, seen: Seen) -> Tree:
    """Keep files as blobs, several at a time, and return the tree of them; what is kept already is not sent again.

    Raises
    ------
    FileChangedError
        If a file is written to while it is read.
    """
    entries: list[Entry] = []
    for batch in batches(in_streams(_read, files), _MOST, lambda one: len(one[2] or b""), _ENOUGH):
        missing = blobs.missing({sha256 for _, sha256, _ in batch})
        new = {sha256: (local, sha256, data) for local, sha256, data in batch if sha256 in missing}
        for _ in in_streams(lambda one: _put(blobs, *one), new.values()):
            pass
        for local, sha256, _ in batch:
            entries.append(Entry(path=local.path, sha256=sha256, size=local.size, executable=local.executable))
            seen(local.size, local.path)
    return Tree.of(entries)


def _read(local: LocalFile) -> _Read:
    with unchanged(local.file) as status:
        current = structs.replace(local, size=status.st_size)
        if status.st_size > _SMALL:
            return current, digest_of(local.file), None
        data = local.file.read_bytes()
        return current, hashlib.sha256(data).hexdigest(), data


def _put(blobs: Blobs, local: LocalFile, sha256: str, data: bytes | None) -> None:
    if blobs.put(local.file if data is None else data) != sha256:
        raise FileChangedError(str(local.file))


def recorded(access: Access, folder: str, found: Sequence[StoredFile], seen: Seen) -> Tree:
    """Make the tree of files that stay on a datastore, with their paths below `folder`."""

    def entry(stored: StoredFile) -> Entry:
        sha256 = access.digest(stored)
        seen(stored.size, stored.path)
        path = stored.path.removeprefix(f"{folder}/" if folder else "")
        return Entry(path=path, sha256=sha256, size=stored.size, executable=stored.executable)

    return Tree.of(list(in_streams(entry, found)))


def kept_files(version: DatasetVersion, tree: Tree, blobs: Blobs) -> tuple[Readable, list[StoredFile]]:
    """Give the files of a version that the workspace keeps, to be fetched."""
    return KeptFiles(blobs), [_stored(version, entry) for entry in tree.entries]


def referenced_files(version: DatasetVersion, tree: Tree, access: Access) -> tuple[Readable, list[StoredFile]]:
    """Give the files of a version that stay on a datastore, to be fetched, after each has been compared.

    Files that have come beside them do not count.

    Raises
    ------
    DatasetChangedError
        If one is not what was registered, or is gone.
    """
    folder = version.reference.path if version.reference else ""
    there = {one.path: one for one in access.list(folder)}

    def compare(entry: Entry) -> StoredFile:
        found = there.get(joined(folder, entry.path))
        if found is None or found.size != entry.size:
            raise _changed(version, entry, "nothing" if found is None else f"a file of {found.size} bytes")
        if (actual := access.digest(found)) != entry.sha256:
            raise _changed(version, entry, f"sha256 {actual}")
        return structs.replace(_stored(version, entry), etag=found.etag)

    return _Referenced(version, access), list(in_streams(compare, tree.entries))


class _Referenced:
    """The files of a version on a datastore, by their paths in the version."""

    def __init__(self, version: DatasetVersion, access: Access) -> None:
        self._version = version
        self._folder = version.reference.path if version.reference else ""
        self._access = access

    def digest(self, stored: StoredFile) -> str:
        """Return the sha256 that was recorded."""
        return str(stored.sha256)

    def fetch(self, stored: StoredFile, destination: Path) -> None:
        """Write a file to `destination`.

        Raises
        ------
        DatasetChangedError
            If it has changed since it was compared.
        """
        self._access.fetch(structs.replace(stored, path=joined(self._folder, stored.path)), destination)
        if (actual := digest_of(destination)) != stored.sha256:
            destination.unlink()
            entry = Entry(path=stored.path, sha256=self.digest(stored), size=stored.size)
            raise _changed(self._version, entry, f"sha256 {actual}")


def _changed(version: DatasetVersion, entry: Entry, there: str) -> DatasetChangedError:
    where = f"{there} in {version.reference}"
    return DatasetChangedError(version.id, entry.path, f"sha256 {entry.sha256} of {entry.size} bytes", where)


def _stored(version: DatasetVersion, entry: Entry) -> StoredFile:
    return StoredFile(
        path=entry.path,
        size=entry.size,
        modified=version.created,
        sha256=entry.sha256,
        executable=entry.executable,
    )
