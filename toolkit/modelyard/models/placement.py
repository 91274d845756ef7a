"""Where a model's files lie: inside a service, and in this user's cache."""

from __future__ import annotations

from pathlib import Path

from modelyard.errors import NotFoundError
from modelyard.names import VersionRef
from modelyard.store.blobs import Blobs
from modelyard.store.cached_folder import cached_folder
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
    return cached_folder(cache / "models" / tree.digest, tree, lambda folder: materialise(tree, blobs, folder))


def _numbered(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.glob("[1-9]*") if path.name.isdecimal() and path.is_dir()}
