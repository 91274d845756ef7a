"""Reach the bytes of a datastore, of whatever kind it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelyard.data.access import Access
from modelyard.data.datastore import DatastoreInfo
from modelyard.data.files import StoredFiles
from modelyard.data.folder import FolderAccess
from modelyard.data.kinds import Folder, WorkspaceFiles
from modelyard.data.workspace_files import WorkspaceAccess
from modelyard.store.blobs import Blobs

_Open = Callable[[str, Any, StoredFiles, Blobs], Access]

_KINDS: dict[type, _Open] = {
    WorkspaceFiles: lambda name, _, files, blobs: WorkspaceAccess(name, files, blobs),
    Folder: lambda name, kind, *_: FolderAccess(name, Path(kind.path)),
}


def open_access(info: DatastoreInfo, files: StoredFiles, blobs: Blobs) -> Access:
    """Reach the bytes of a datastore from this machine.

    Parameters
    ----------
    files, blobs
        Those of the workspace that `info` is of.

    Raises
    ------
    FolderMissingError
        If it is a folder that is not here.
    """
    return _KINDS[type(info.kind)](info.name, info.kind, files, blobs)
