"""Access to the files that the workspace itself keeps, in this process or through its server."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from modelyard.data.access import LocalFile, StoredFile, unchanged
from modelyard.data.files import MOST, NewStoredFile, NewStoredFiles, RemoveStoredFiles, StoredFileQuery, StoredFiles
from modelyard.data.streams import batches, in_streams
from modelyard.paging import every
from modelyard.store.blobs import Blobs

_ENOUGH = 1 << 30
"""Bytes after which files are promised: their blobs would be garbage if that took hours."""


class WorkspaceAccess:
    """The files of the datastore `name`; equal content is kept once."""

    def __init__(self, name: str, files: StoredFiles, blobs: Blobs) -> None:
        self._name = name
        self._files = files
        self._blobs = blobs

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """List the file `prefix`, or those in the folder of that name, by path."""
        yield from every(lambda query: self._files.list(self._name, query), StoredFileQuery(prefix=prefix))

    def digest(self, stored: StoredFile) -> str:
        """Return the sha256 of a file."""
        return str(stored.sha256)

    def fetch(self, stored: StoredFile, destination: Path) -> None:
        """Write a file to `destination`, its digest checked.

        Raises
        ------
        DigestMismatchError
            If what is kept is damaged.
        """
        self._blobs.get(self.digest(stored), destination)

    def write(self, files: Iterable[LocalFile], *, replace: bool) -> Iterator[LocalFile]:
        """Keep files: their bytes several at a time, their names by the thousand.

        Raises
        ------
        FileChangedError
            If a file is written to while it is read.
        FilesDifferError
            If other content has come to a path meanwhile, and it is not to be replaced.
        """
        kept = in_streams(self._keep, files)
        for batch in batches(kept, MOST, lambda one: one[0].size, _ENOUGH):
            new = NewStoredFiles(files=tuple(one for _, one in batch), replace=replace)
            self._files.add(self._name, new)
            yield from (local for local, _ in batch)

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files by the thousand; their bytes go with the next collection of garbage."""
        source = iter(paths)
        while some := tuple(itertools.islice(source, MOST)):
            self._files.remove(self._name, RemoveStoredFiles(paths=some))

    def _keep(self, local: LocalFile) -> tuple[LocalFile, NewStoredFile]:
        with unchanged(local.file) as status:
            sha256 = self._blobs.put(local.file)
        new = NewStoredFile(path=local.path, sha256=sha256, size=status.st_size, executable=local.executable)
        return local, new
