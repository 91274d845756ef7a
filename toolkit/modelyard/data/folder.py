"""Access to a folder of this machine."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from modelyard.data.access import LocalFile, StoredFile, placed, unchanged
from modelyard.data.errors import FolderMissingError
from modelyard.data.paths import check_stored_path, joined
from modelyard.data.streams import in_streams
from modelyard.errors import InvalidPathError
from modelyard.store.blobs import (
    CHUNK,
    digest_of,
    full_disk_explained,
    reserve,
    sync_file,
    sync_folder,
    temporary_file,
)

_UNFINISHED = ".part-"
"""How the names begin that files have until they are whole."""


class FolderAccess:
    """The files below the folder `root`; what a link leads to outside of it is not among them.

    Raises
    ------
    FolderMissingError
        If it is not on this machine.
    """

    def __init__(self, name: str, root: Path) -> None:
        if not root.is_dir():
            raise FolderMissingError(name, str(root))
        self._root = root.resolve()

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """List the file `prefix`, or those in the folder of that name, by path."""
        start = self._root / prefix
        if not start.resolve().is_relative_to(self._root):
            return
        if start.is_dir():
            yield from self._below(start, prefix)
        elif start.is_file():
            yield _stored(prefix, start.stat())

    def digest(self, stored: StoredFile) -> str:
        """Return the sha256 of a file, which is read."""
        return digest_of(self._inside(stored.path))

    def fetch(self, stored: StoredFile, destination: Path) -> None:
        """Copy a file to `destination`.

        Raises
        ------
        FileChangedError
            If it is written to while it is read.
        """
        _copy(self._inside(stored.path), destination, destination.parent)

    def write(self, files: Iterable[LocalFile], *, replace: bool) -> Iterator[LocalFile]:  # noqa: ARG002 - looked at before
        """Copy files into the folder, each under its name when it is whole and on the disk.

        Raises
        ------
        InvalidPathError
            If a link on the way leads out of the folder, or a file stands where a folder is needed.
        FileChangedError
            If a file is written to while it is read.
        StorageFullError
            If the disk is full.
        """
        touched: set[Path] = set()
        for local in in_streams(self._write, files):
            touched.add((self._root / local.path).parent)
            yield local
        for folder in touched:
            sync_folder(folder)

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files, and the folders that are empty after that."""
        for path in paths:
            file = self._inside(path)
            file.unlink(missing_ok=True)
            for folder in PurePosixPath(path).parents:
                if str(folder) == "." or not _removed(self._root / folder):
                    break

    def _below(self, folder: Path, prefix: str) -> Iterator[StoredFile]:
        for item in sorted(os.scandir(folder), key=_in_order_of_paths):
            path = check_stored_path(joined(prefix, item.name))
            if item.is_dir(follow_symlinks=False):
                yield from self._below(Path(item.path), path)
            elif not item.name.startswith(_UNFINISHED) and self._is_ours(item):
                yield _stored(path, item.stat())

    def _is_ours(self, item: os.DirEntry[str]) -> bool:
        return item.is_file() and (not item.is_symlink() or Path(item.path).resolve().is_relative_to(self._root))

    def _inside(self, path: str) -> Path:
        file = self._root / path
        if not file.parent.resolve().is_relative_to(self._root) or not file.resolve().is_relative_to(self._root):
            raise InvalidPathError(path, "a link in the folder leads out of it")
        return file

    def _write(self, local: LocalFile) -> LocalFile:
        if PurePosixPath(local.path).name.startswith(_UNFINISHED):
            raise InvalidPathError(local.path, f"names that begin with {_UNFINISHED!r} are those of unfinished files")
        target = self._inside(local.path)
        with placed(local.path):
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(local.file, target, self._root)
        return local


def _copy(source: Path, target: Path, place: Path) -> None:
    with full_disk_explained(place), temporary_file(target.parent) as (file, path):
        with unchanged(source) as status, source.open("rb") as opened:
            reserve(file, status.st_size)
            while chunk := opened.read(CHUNK):
                file.write(chunk)
        sync_file(file)
        path.chmod(0o755 if status.st_mode & stat.S_IXUSR else 0o644)
        path.replace(target)


def _in_order_of_paths(item: os.DirEntry[str]) -> bytes:
    """Say where an item stands among paths that are ordered by their bytes: what is below ``a`` follows ``a-b``."""
    return os.fsencode(item.name) + (b"/" if item.is_dir(follow_symlinks=False) else b"")


def _stored(path: str, status: os.stat_result) -> StoredFile:
    modified = dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
    return StoredFile(path=path, size=status.st_size, modified=modified, executable=bool(status.st_mode & stat.S_IXUSR))


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
