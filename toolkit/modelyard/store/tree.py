"""Trees: immutable listings of files by content.

A tree names every file, folder and link below a folder, sorted by path, with the sha256, the size and the executable
bit of each file. Its own digest is the sha256 of its canonical JSON, so two folders with the same content have the
same digest wherever they are, whenever they were written, and in whatever order the file system lists them.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Literal, Self

import msgspec
from msgspec import Struct

from modelyard.errors import DigestMismatchError, InvalidPathError, InvalidValueError
from modelyard.names import check_path
from modelyard.store.blobs import Blobs, check_digest

Ignore = Callable[[str, bool], bool]
"""Says whether a path (relative, ``/`` between parts; whether it is a folder) is left out."""


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One path of a tree; a folder is listed only when it is empty, since the others follow from their files."""

    path: str
    kind: Literal["file", "folder", "link"] = "file"
    sha256: str = ""
    size: int = 0
    executable: bool = False
    target: str = ""


class Tree(Struct, frozen=True, kw_only=True):
    """A listing of files by content; `entries` are sorted by path."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: list[Entry]) -> Self:
        """Make a tree of entries in any order.

        Raises
        ------
        InvalidPathError
            If a path is not a relative path, stands twice, lies below a file, or is a link that leaves the tree.
        InvalidValueError
            If a digest is not a sha256.
        """
        ordered = sorted(entries, key=lambda entry: check_path(entry.path).encode())
        _check(ordered)
        return cls(entries=tuple(ordered))

    @classmethod
    def decode(cls, data: bytes, digest: str) -> Self:
        """Read the canonical form.

        Raises
        ------
        DigestMismatchError
            If `data` is not what `digest` promises.
        """
        if (actual := hashlib.sha256(data).hexdigest()) != digest:
            raise DigestMismatchError(f"tree {digest}", digest, actual)
        return msgspec.json.decode(data, type=cls)

    def encode(self) -> bytes:
        """Write the canonical form: the bytes that are hashed, and kept as a blob."""
        return msgspec.json.encode(self, order="deterministic")

    @property
    def digest(self) -> str:
        """The sha256 of the canonical form."""
        return hashlib.sha256(self.encode()).hexdigest()

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(entry.size for entry in self.entries)

    @property
    def files(self) -> dict[str, Entry]:
        """The entries that are files, by path."""
        return {entry.path: entry for entry in self.entries if entry.kind == "file"}


def _check(ordered: list[Entry]) -> None:
    leaves: set[str] = set()
    for entry in ordered:
        if entry.path in leaves:
            raise InvalidPathError(entry.path, "it stands twice")
        if any(str(parent) in leaves for parent in PurePosixPath(entry.path).parents):
            raise InvalidPathError(entry.path, "it lies below something that is not a folder")
        leaves.add(entry.path)
        if entry.kind == "file":
            check_digest(entry.sha256)
        elif entry.kind == "link":
            check_link(entry.path, entry.target)
    if any(entry.size < 0 for entry in ordered):
        raise InvalidValueError("size", "a file has at least 0 bytes")


def check_link(path: str, target: str) -> None:
    """Check that the link at `path` leads to something below the same root.

    Raises
    ------
    InvalidPathError
        If it does not.
    """
    depth = len(PurePosixPath(path).parts) - 1
    for part in PurePosixPath(target).parts:
        depth += -1 if part == ".." else 1
        if part == "/" or depth < 0:
            raise InvalidPathError(path, f"it is a link to {target!r}, which is outside the folder")
    if not target or "\x00" in target:
        raise InvalidPathError(path, "it is a link to nothing")


def scan(folder: Path, ignore: Ignore | None = None) -> Iterator[tuple[str, Path, os.stat_result]]:
    """Walk a folder: relative path, real path and status of each file, link and empty folder.

    A folder all of whose content is ignored counts as absent, not as empty.

    Raises
    ------
    InvalidPathError
        At a socket, device or pipe, and at a name that is not unicode.
    """
    yield from _scan(folder, "", ignore)


def _scan(folder: Path, prefix: str, ignore: Ignore | None) -> Iterator[tuple[str, Path, os.stat_result]]:
    for item in sorted(os.scandir(folder), key=lambda item: item.name):
        path, real = prefix + item.name, Path(item.path)
        is_folder = item.is_dir(follow_symlinks=False)
        if ignore is not None and ignore(path, is_folder):
            continue
        check_path(path)
        status = item.stat(follow_symlinks=False)
        if is_folder:
            if any(real.iterdir()):
                yield from _scan(real, path + "/", ignore)
            else:
                yield path, real, status
        elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
            yield path, real, status
        else:
            raise InvalidPathError(path, "it is neither a file, a folder nor a link")


def entry_of(path: str, real: Path, status: os.stat_result, put: Callable[[Path], str]) -> Entry:
    """Make the entry of one scanned path; `put` keeps a file's content and returns its sha256."""
    if stat.S_ISDIR(status.st_mode):
        return Entry(path=path, kind="folder")
    if stat.S_ISLNK(status.st_mode):
        return Entry(path=path, kind="link", target=str(real.readlink()))
    executable = bool(status.st_mode & stat.S_IXUSR)
    return Entry(path=path, sha256=put(real), size=status.st_size, executable=executable)


def materialise(tree: Tree, blobs: Blobs, folder: Path) -> None:
    """Write a tree's files, folders and links below `folder`, with every digest checked.

    Raises
    ------
    DigestMismatchError
        If a blob is damaged; the text names the file.
    InvalidPathError
        If something that is not a folder stands in the way.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    for entry in sorted(tree.entries, key=lambda entry: entry.kind == "link"):
        target = folder / entry.path
        if not target.parent.resolve().is_relative_to(root):
            raise InvalidPathError(entry.path, "a link in the folder leads out of it")
        _place(entry, blobs, target)


def _place(entry: Entry, blobs: Blobs, target: Path) -> None:
    if entry.kind == "folder":
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if entry.kind == "link":
        target.unlink(missing_ok=True)
        target.symlink_to(entry.target)
        return
    try:
        blobs.get(entry.sha256, target)
    except DigestMismatchError as error:
        raise DigestMismatchError(entry.path, error.expected, error.actual) from error
    target.chmod(0o755 if entry.executable else 0o644)
