"""The scoring server's own files: what an image carries of Modelyard, and nothing else of it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from msgspec import structs

from modelyard.errors import MissingExtraError
from modelyard.store.blobs import Blobs
from modelyard.store.tree import Tree
from modelyard.store.trees import keep_folder

NAME = "modelyard_scoring"


def keep_server(blobs: Blobs) -> Tree:
    """Keep the files of the installed scoring server as blobs, and return the tree of them, below its name.

    Raises
    ------
    MissingExtraError
        If it is not installed here.
    """
    found = find_spec(NAME)
    if found is None or found.origin is None:
        raise MissingExtraError(NAME, "scoring")
    tree = keep_folder(Path(found.origin).parent, blobs, lambda path, _: "__pycache__" in path.split("/"))
    return Tree.of([structs.replace(entry, path=f"{NAME}/{entry.path}") for entry in tree.entries])
