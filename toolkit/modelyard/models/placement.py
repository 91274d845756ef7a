"""Where a model's files lie: inside a service, and in this user's cache."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from modelyard.errors import NotFoundError
from modelyard.names import VersionRef
from modelyard.store.blobs import Blobs, digest_of
from modelyard.store.tree import Tree, materialise


def served_path(folder: Path, wanted: VersionRef) -> Path:
    """Find a model in the folder that ``AZUREML_MODEL_DIR`` names inside a service.

    Parameters
    ----------
    folder
        ``models/NAME/VERSION`` where one model is served, ``models`` where several are.

    Raises
    ------
    NotFoundError
        If the service has no such model or version.
    """
    alone = folder.name.isdecimal() and folder.parent.name == wanted.name
    there = {folder.name: folder} if alone else _numbered(folder / wanted.name)
    if not there:
        raise NotFoundError("model in this service", wanted.name, sorted(p.name for p in folder.glob("[!.]*")))
    newest = max(there, key=int)
    version = newest if wanted.version is None else str(wanted.version)
    if version not in there:
        known = [f"{wanted.name}:{number}" for number in there]
        raise NotFoundError("model version in this service", str(wanted), known)
    return only_entry(there[version])


def only_entry(folder: Path) -> Path:
    """Return the one file or folder that a model's folder holds, as it was registered."""
    found = [path for path in folder.iterdir() if not path.name.startswith((".", "__pycache__"))]
    return found[0] if len(found) == 1 else folder


def cached_copy(tree: Tree, blobs: Blobs, cache: Path) -> Path:
    """Give a folder that holds `tree`, checked now, and made if need be.

    Raises
    ------
    DigestMismatchError
        If the store's own files are damaged; the text names the file.
    """
    place = cache / "models" / tree.digest
    if place.is_dir() and _is_whole(tree, place):
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".part-", dir=place.parent))
    try:
        materialise(tree, blobs, aside / "new")
        if place.exists():
            place.rename(aside / "damaged")
        (aside / "new").rename(place)
    except OSError:
        if not (place.is_dir() and _is_whole(tree, place)):  # else another process was quicker, and made the same
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return place


def _numbered(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.glob("[1-9]*") if path.name.isdecimal() and path.is_dir()}


def _is_whole(tree: Tree, folder: Path) -> bool:
    try:
        return all(digest_of(folder / path) == entry.sha256 for path, entry in tree.files.items())
    except OSError:
        return False
