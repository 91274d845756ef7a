"""Make a workspace's store."""

from __future__ import annotations

import fcntl
from pathlib import Path

from modelyard.errors import AlreadyExistsError, InvalidValueError, WorkspaceNotFoundError
from modelyard.store.blobs import full_disk_explained
from modelyard.store.identity import Identity, NewWorkspace, WorkspaceInfo
from modelyard.store.store import Store


def create_store(
    root: Path, name: str, labels: dict[str, str], *, exist_ok: bool, url: str | None = None
) -> WorkspaceInfo:
    """Make the folder `root` a workspace, or with `exist_ok` find that it is one of this name.

    Parameters
    ----------
    url
        Where the rows go, if not into a SQLite file of the folder.

    Raises
    ------
    AlreadyExistsError
        If it is one, and `exist_ok` is not set.
    InvalidValueError
        If it is one of another name.
    """
    with full_disk_explained(root):
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        (root / ".gitignore").write_text("*\n")
        with (root / "create.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _create(Store.open(root, url), name, labels, exist_ok=exist_ok)


def _create(store: Store, name: str, labels: dict[str, str], *, exist_ok: bool) -> WorkspaceInfo:
    try:
        identity = Identity(store)
        try:
            found = identity.get()
        except WorkspaceNotFoundError:
            return identity.create(NewWorkspace(name=name, labels=labels))
        if found.name != name:
            raise InvalidValueError(f"workspace {name!r}", f"{store.root} is the workspace {found.name!r} already")
        if not exist_ok:
            raise AlreadyExistsError("workspace", name, "Pass exist_ok=True to open it.")
        return found
    finally:
        store.close()
