"""The bytes of a datastore: what every kind of it can do."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from modelyard.data.errors import FileChangedError
from modelyard.errors import InvalidPathError, ModelyardError


class StoredFile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file on a datastore; `modified` is UTC, `sha256` and `etag` are given where they are known without reading."""

    path: str
    size: int
    modified: dt.datetime
    sha256: str | None = None
    etag: str | None = None
    executable: bool = False


class LocalFile(Struct, frozen=True, kw_only=True):
    """A file of this machine, and the path that it gets on a datastore."""

    file: Path
    path: str
    size: int
    executable: bool = False

    @classmethod
    def at(cls, file: Path, path: str) -> LocalFile:
        """Look at `file`."""
        status = file.stat()
        return cls(file=file, path=path, size=status.st_size, executable=bool(status.st_mode & stat.S_IXUSR))


class Readable(Protocol):
    """Files that can be fetched."""

    def digest(self, stored: StoredFile) -> str:
        """Return the sha256 of a file, read if it is not known otherwise."""

    def fetch(self, stored: StoredFile, destination: Path) -> None:
        """Write a file to `destination`, whose folder is there; it appears when it is whole and right."""


class Access(Readable, Protocol):
    """The files of one datastore. A file is there whole or not at all, whatever ends a call."""

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """List the file `prefix`, or those in the folder of that name, by path; an empty prefix lists all."""

    def write(self, files: Iterable[LocalFile], *, replace: bool) -> Iterator[LocalFile]:
        """Keep files, several at a time, and give each when it is kept.

        Parameters
        ----------
        replace
            Whether a file that has come meanwhile may be replaced, where the store can tell.
        """

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files; one that is not there counts as deleted."""


@contextmanager
def unchanged(file: Path) -> Iterator[os.stat_result]:
    """Give the status of a file that is read meanwhile.

    Raises
    ------
    FileChangedError
        If it has another one at the end.
    """
    before = _status(file)
    try:
        yield before
    except ModelyardError:  # perhaps just because it changed: a digest does not fit, or bytes are missing at the end
        _compare(file, before)
        raise
    _compare(file, before)


def _compare(file: Path, before: os.stat_result) -> None:
    after = _status(file)
    if any(getattr(before, fact) != getattr(after, fact) for fact in ("st_size", "st_mtime_ns", "st_ino")):
        raise FileChangedError(str(file))


def _status(file: Path) -> os.stat_result:
    try:
        return file.stat()
    except FileNotFoundError:
        raise FileChangedError(str(file)) from None


@contextmanager
def placed(path: str) -> Iterator[None]:
    """Say of `path` that a file cannot be put there.

    Raises
    ------
    InvalidPathError
        If a file stands where a folder is needed, or a folder in its place.
    """
    try:
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise InvalidPathError(path, "a file stands where a folder is needed, or a folder in its place") from None
