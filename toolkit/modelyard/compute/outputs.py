"""What a script has written into its folders, as files of its run."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from modelyard.errors import InvalidPathError
from modelyard.names import check_path
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Tree
from modelyard.tracking.files import NewFile

FOLDERS = ("outputs", "logs")
"""The folders, below the one that a script runs in, whose files become files of its run."""


def collect(folder: Path, snapshot: Tree, blobs: Blobs) -> Iterator[NewFile]:
    """Keep what is in the folders `FOLDERS` below `folder`, but for what came there with the snapshot.

    What is no file, or is a link that leads out of `folder`, is left where it is; so is a file that has a name that
    cannot be kept.
    """
    root = folder.resolve()
    given = {path: entry.sha256 for path, entry in snapshot.files.items()}
    for name in FOLDERS:
        for path, real in _files(folder / name, name):
            if not real.resolve().is_relative_to(root):
                continue
            file = NewFile(path=path, sha256=blobs.put(real), size=real.stat().st_size)
            if given.get(path) != file.sha256:
                yield file


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for at, _, names in os.walk(folder):
        below = Path(at).relative_to(folder).as_posix()
        for name in sorted(names):
            real = Path(at, name)
            path = f"{prefix}/{name}" if below == "." else f"{prefix}/{below}/{name}"
            if _is_file(real) and _can_be_kept(path):
                yield path, real


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _can_be_kept(path: str) -> bool:
    try:
        check_path(path)
    except InvalidPathError:
        return False
    return True
