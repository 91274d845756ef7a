"""A model's files as a tree: one file, or one folder, under its own name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from msgspec import structs

from modelyard.errors import InvalidValueError
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Entry, Tree, entry_of
from modelyard.store.trees import keep_folder

Seen = Callable[[str, int], None]
"""Takes the path and the bytes of each file that has been kept: progress."""


def keep_model(path: str | Path, blobs: Blobs, seen: Seen | None = None) -> Tree:
    """Keep a file or a folder, and return the tree that holds it under its name.

    Raises
    ------
    InvalidValueError
        If there is nothing at `path`, or no file in it.
    InvalidPathError
        If the folder has a link that leaves it, or something that is neither a file, a folder nor a link.
    """
    given = Path(path)
    place = given.resolve() if given.name in ("", "..") else given.absolute()
    if place.is_file():
        entry = entry_of(place.name, place, place.stat(), blobs.put)
        if seen is not None:
            seen(place.name, entry.size)
        return Tree.of([entry])
    if not place.is_dir():
        raise InvalidValueError(f"model path {str(path)!r}", "there is no such file or folder")
    return _under(place.name, keep_folder(place, blobs, seen=seen).entries)


def tree_below(path: str, entries: Sequence[Entry]) -> Tree:
    """Make the tree of what lies at `path` among `entries`: one file, or all below a folder.

    Raises
    ------
    InvalidValueError
        If nothing does.
    """
    name = PurePosixPath(path).name
    for entry in entries:
        if entry.path == path:
            return Tree.of([structs.replace(entry, path=name)])
    below = [structs.replace(e, path=e.path[len(path) + 1 :]) for e in entries if e.path.startswith(f"{path}/")]
    return _under(name, below)


def _under(name: str, entries: Sequence[Entry]) -> Tree:
    if not any(entry.kind == "file" for entry in entries):
        raise InvalidValueError(f"model path {name!r}", "there is no file in it")
    return Tree.of([structs.replace(entry, path=f"{name}/{entry.path}") for entry in entries])
