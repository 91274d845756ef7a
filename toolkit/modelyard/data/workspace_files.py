"""Access to the files that the workspace itself keeps, in this process or through its server."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import structs

from modelyard.data.access import LocalFile, StoredFile, unchanged
from modelyard.data.files import MOST, NewStoredFile, NewStoredFiles, RemoveStoredFiles, StoredFileQuery, StoredFiles
from modelyard.data.streams import batches, in_streams
from modelyard.errors import DigestMismatchError
from modelyard.paging import every
from modelyard.store.blobs import Blobs, received

_SMALL = 1 << 18
"""Bytes below which a file goes along with its name."""
_ENOUGH = 8 << 20
"""Bytes of small files that go in one call. Of large ones, which are sent before, a hundred times as many wait for
their names: if that took hours, they would be garbage."""


class KeptFiles:
    """Files whose bytes are blobs of the workspace, known by their digests."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def digest(self, stored: StoredFile) -> str:
        """Return the sha256 of a file."""
        return str(stored.sha256)

    def fetch(self, stored: StoredFile, destination: Path) -> None:
        """Write a file to `destination`, its digest checked.

        Raises
        ------
        DigestMismatchError
            If what is kept is damaged; the text names the file.
        """
        sha256 = self.digest(stored)
        try:
            if stored.size < _SMALL:  # over HTTP, half the time
                received(sha256, iter((self._blobs.read(sha256),)), destination)
            else:
                self._blobs.get(sha256, destination)
        except DigestMismatchError as error:
            raise DigestMismatchError(stored.path, error.expected, error.actual) from error


class WorkspaceAccess(KeptFiles):
    """The files of the datastore `name`; equal content is kept once."""

    def __init__(self, name: str, files: StoredFiles, blobs: Blobs) -> None:
        super().__init__(blobs)
        self._name = name
        self._files = files

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """List the file `prefix`, or those in the folder of that name, by path."""
        yield from every(lambda query: self._files.list(self._name, query), StoredFileQuery(prefix=prefix))

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
        for batch in batches(kept, MOST, lambda one: _weight(one[1]), _ENOUGH):
            new = self._without_known([one for _, one in batch])
            self._files.add(self._name, NewStoredFiles(files=new, replace=replace))
            yield from (local for local, _ in batch)

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files by the thousand; their bytes go with the next collection of garbage."""
        source = iter(paths)
        while some := tuple(itertools.islice(source, MOST)):
            self._files.remove(self._name, RemoveStoredFiles(paths=some))

    def _keep(self, local: LocalFile) -> tuple[LocalFile, NewStoredFile]:
        data = None
        with unchanged(local.file) as status:
            if status.st_size < _SMALL:
                data = local.file.read_bytes()
                sha256 = hashlib.sha256(data).hexdigest()
            else:
                sha256 = self._blobs.put(local.file)
        return local, NewStoredFile(
            path=local.path, sha256=sha256, size=status.st_size, executable=local.executable, data=data
        )

    def _without_known(self, new: Sequence[NewStoredFile]) -> tuple[NewStoredFile, ...]:
        """Leave out the bytes that are kept already."""
        missing = self._blobs.missing({one.sha256 for one in new if one.data is not None})
        return tuple(one if one.sha256 in missing else structs.replace(one, data=None) for one in new)


def _weight(new: NewStoredFile) -> int:
    return len(new.data) if new.data is not None else new.size // 100
