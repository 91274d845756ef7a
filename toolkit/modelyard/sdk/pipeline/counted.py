"""What counts for reuse where that is other than the code: the files and folders of ``hash_paths``.

Those below the source folder are all that counts of it, with the script; those elsewhere count besides. By their names
and content alone: where they are on this machine does not count.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from msgspec import structs

from modelyard.errors import NotFoundError
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Entry, Tree
from modelyard.store.trees import keep_file, keep_folder
from modelyard.tracking.ignore import IgnoreRules

ELSEWHERE = "hash_paths"
"""The folder of a counted tree in which is what lies outside of the source folder."""


def check_hash_paths(paths: Sequence[str], folder: Path | None) -> None:
    """Pass if all of them are there.

    Raises
    ------
    NotFoundError
        If one is not.
    """
    for path in paths:
        full = _full(path, folder)
        if not full.exists():
            known = [one.name for one in full.parent.iterdir()] if full.parent.is_dir() else []
            raise NotFoundError(f"file or folder in {str(full.parent)!r} for hash_paths of the name", full.name, known)


def counted_tree(paths: Sequence[str], folder: Path | None, script: str | None, code: Tree, blobs: Blobs) -> Tree:
    """Keep what counts of a step, and return the tree of it.

    Parameters
    ----------
    folder, script, code
        The source folder (None for a step without code), the script in it, the tree that was made of it.
    """
    root = Path(os.path.normpath((folder or Path()).absolute()))
    full = [_full(path, folder) for path in paths]
    inside = [path.relative_to(root).as_posix() for path in full if folder is not None and path.is_relative_to(root)]
    outside = [path for path in full if folder is None or not path.is_relative_to(root)]
    entries = {entry.path: entry for entry in code.entries if not inside or entry.path == script}
    for path in inside:
        below = [entry for entry in code.entries if _lies(entry.path, path)]
        entries |= {entry.path: entry for entry in below or _kept(root / path, path, blobs)}
    entries |= {entry.path: entry for entry in _elsewhere(outside, blobs)}
    return Tree.of(list(entries.values()))


def _full(path: str, folder: Path | None) -> Path:
    return Path(os.path.normpath((folder or Path()).absolute() / path))


def _lies(path: str, folder: str) -> bool:
    return folder in (".", path) or path.startswith(f"{folder}/")


def _kept(real: Path, path: str, blobs: Blobs) -> Iterator[Entry]:
    """Keep a file or folder under `path`; what is named itself counts though an ignore file leaves it out."""
    if real.is_dir():
        for entry in keep_folder(real, blobs, IgnoreRules(real)).entries:
            yield structs.replace(entry, path=f"{path}/{entry.path}")
    else:
        yield structs.replace(keep_file(real.resolve(), blobs).entries[0], path=path)


def _elsewhere(paths: Sequence[Path], blobs: Blobs) -> Iterator[Entry]:
    """Keep what lies elsewhere, each under its name; those of one name are told apart by their content."""
    for name, same in groupby(sorted(set(paths), key=lambda path: path.name), key=lambda path: path.name):
        trees = {tree.digest: tree for tree in (Tree.of(list(_kept(path, name, blobs))) for path in same)}
        for number, digest in enumerate(sorted(trees), 1):
            prefix = ELSEWHERE if len(trees) == 1 else f"{ELSEWHERE}/{number}"
            yield from (structs.replace(entry, path=f"{prefix}/{entry.path}") for entry in trees[digest].entries)
