"""How a place gets a name: the part of `Datastore` that registers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import modelyard
from modelyard.data.datastore import NewDatastore
from modelyard.data.errors import FolderMissingError
from modelyard.data.kinds import Folder, Kind

if TYPE_CHECKING:
    from modelyard.sdk.data.datastore import Datastore
    from modelyard.sdk.workspace import Workspace


class DatastoreRegistration:
    """How datastores are registered; `Datastore` is the class to use."""

    @staticmethod
    def register_folder(
        workspace: Workspace, datastore_name: str, path: str | Path, *, description: str = "", overwrite: bool = False
    ) -> Datastore:
        """Register a folder of this machine.

        Parameters
        ----------
        overwrite
            Take the place of a datastore of that name.

        Raises
        ------
        FolderMissingError
            If it is not there.
        AlreadyExistsError
            If the name is taken, and `overwrite` is not set.
        """
        folder = Path(path).expanduser().resolve()
        if not folder.is_dir():
            raise FolderMissingError(datastore_name, str(folder))
        return _register(workspace, datastore_name, Folder(path=str(folder)), description, overwrite)


def _register(workspace: Workspace, name: str, kind: Kind, description: str, replace: bool) -> Datastore:
    new = NewDatastore(kind=kind, description=description, replace=replace)
    workspace.backend.datastores.register(name, new)
    return modelyard.Datastore(workspace, name)
