"""Snapshots: a source folder as a tree, without what its ignore files name."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection
from pathlib import Path, PurePath

from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Tree, materialise, scan
from modelyard.store.trees import keep_folder
from modelyard.tracking.errors import SnapshotTooLargeError
from modelyard.tracking.ignore import IgnoreRules

LIMIT = 300_000_000
"""Bytes that a snapshot may have, if not told otherwise."""


def snapshot_files(folder: Path) -> dict[str, int]:
    """List what a snapshot of `folder` would hold: the path and the bytes of each file and link.

    Raises
    ------
    InvalidValueError
        If `folder` is not a folder.
    InvalidPathError
        At a socket, device or pipe, and at a name that is not unicode.
    """
    if not folder.is_dir():
        raise InvalidValueError(f"source folder {str(folder)!r}", "it is not a folder that is there")
    found = scan(folder, IgnoreRules(folder))
    return {path: status.st_size for path, _, status in found if not stat.S_ISDIR(status.st_mode)}


def check_script(script: str, folder: Path, files: Collection[str]) -> None:
    """Pass if a script is one of the `files` of a snapshot of `folder`.

    Raises
    ------
    InvalidValueError
        If it is left out of the snapshot.
    NotFoundError
        If it is not there.
    """
    path = PurePath(script)
    if path.as_posix() in files:
        return
    if not path.is_absolute() and ".." not in path.parts and (folder / script).is_file():
        left_out_by = IgnoreRules(folder).file or "a .gitignore"
        raise InvalidValueError(f"script {script!r}", f"it is left out of the snapshot by {left_out_by}")
    known = [path for path in files if path.endswith(".py")]
    raise NotFoundError(f"script in {str(folder)!r} of the name", script, known)


def take_snapshot(
    folder: Path, blobs: Blobs, *, limit: int = LIMIT, seen: Callable[[str, int], None] | None = None
) -> Tree:
    """Keep the files below `folder`, and return the tree of them, which `Trees.create` then keeps.

    The ignore file itself is part of the snapshot: with it, a restored snapshot makes the same snapshot again.

    Parameters
    ----------
    limit
        Bytes that all files together may have.
    seen
        Called with the path and the bytes of each file that has been kept: progress.

    Raises
    ------
    InvalidValueError
        If `folder` is not a folder.
    InvalidPathError
        If a link leaves the folder, or something is neither a file, a folder nor a link.
    SnapshotTooLargeError
        If there is more than `limit`; nothing has been kept then.
    """
    sizes = snapshot_files(folder)
    if (total := sum(sizes.values())) > limit:
        largest = sorted(sizes.items(), key=lambda one: -one[1])[:8]
        raise SnapshotTooLargeError(str(folder), total, limit, largest)
    return keep_folder(folder, blobs, IgnoreRules(folder), seen)


def restore(tree: Tree, blobs: Blobs, folder: Path) -> None:
    """Write a snapshot's files below `folder`, which is made, or is there and empty.

    Raises
    ------
    InvalidValueError
        If something is in `folder`.
    DigestMismatchError
        If a blob is damaged; the text names the file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidValueError(f"folder {str(folder)!r}", "a snapshot is written into an empty folder, or a new one")
    materialise(tree, blobs, folder)
