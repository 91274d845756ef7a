"""Reach the bytes of a datastore, of whatever kind it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from modelyard.data import sql
from modelyard.data.access import Access
from modelyard.data.datastore import DatastoreInfo
from modelyard.data.files import StoredFiles
from modelyard.data.folder import FolderAccess
from modelyard.data.kinds import S3, AzureBlob, Folder, Gcs, Sql, WorkspaceFiles
from modelyard.data.object_stores import open_azure_blob, open_gcs, open_s3
from modelyard.data.workspace_files import WorkspaceAccess
from modelyard.errors import StateError
from modelyard.store.blobs import Blobs

_Open = Callable[[str, Any, StoredFiles, Blobs], Access]

_KINDS: dict[type, _Open] = {
    WorkspaceFiles: lambda name, _, files, blobs: WorkspaceAccess(name, files, blobs),
    Folder: lambda name, kind, *_: FolderAccess(name, Path(kind.path)),
    AzureBlob: lambda name, kind, *_: open_azure_blob(name, kind),
    S3: lambda name, kind, *_: open_s3(name, kind),
    Gcs: lambda name, kind, *_: open_gcs(name, kind),
    Sql: lambda name, *_: _no_files(name),
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
    CredentialMissingError
        If a credential is not where its reference says.
    MissingExtraError
        If what it needs is not installed.
    StateError
        If it is a database, which has no files.
    """
    return _KINDS[type(info.kind)](info.name, info.kind, files, blobs)


def reach(info: DatastoreInfo, files: StoredFiles, blobs: Blobs) -> None:
    """Find out whether a datastore answers this machine.

    Raises
    ------
    ModelyardError
        If it does not; the text says why.
    """
    if isinstance(info.kind, Sql):
        sql.reach(info.name, info.kind)
    else:
        next(open_access(info, files, blobs).list(""), None)


def _no_files(name: str) -> NoReturn:
    raise StateError(f"The datastore {name!r}", "a database", "hold files")
