"""Folders of a cache that hold the files of a tree."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from modelyard.store.blobs import digest_of
from modelyard.store.tree import Tree


def cached_folder(place: Path, tree: Tree, write: Callable[[Path], object]) -> Path:
    """Give the folder `place` with the files of `tree`, checked now; if they are not all there, `write` makes it anew.

    It appears when it is whole, and others may make it at the same time.
    """
    if place.is_dir() and _is_whole(tree, place):
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".part-", dir=place.parent))
    try:
        write(aside / "new")
        if place.exists():
            place.rename(aside / "damaged")
        (aside / "new").rename(place)
    except OSError:
        if not (place.is_dir() and _is_whole(tree, place)):  # else another process was quicker, and made the same
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return place


def _is_whole(tree: Tree, folder: Path) -> bool:
    try:
        return all(digest_of(folder / path) == entry.sha256 for path, entry in tree.files.items())
    except OSError:
        return False
