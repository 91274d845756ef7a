"""The operations in this process, over the store in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard.backend.backend import Backend
from modelyard.store.store import Store


def open_embedded(root: Path, url: str | None = None) -> Backend:
    """Open the workspace in the folder `root`.

    Parameters
    ----------
    url
        Where the rows are, if not in a SQLite file of the folder (``postgresql+psycopg://…``).

    Raises
    ------
    NewerWorkspaceError
        If a newer version wrote it.
    """
    return over(Store.open(root, url))


def over(store: Store) -> Backend:
    """Make the operations over an open store."""

    def make(room: Any) -> Any:
        return room(store)

    return Backend(str(store.root), make, store.blobs, store.close)
