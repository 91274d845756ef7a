"""The datastore that a user holds: a named place for data, its files sent and fetched."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.data import transfer
from modelyard.data.access import Access, LocalFile, StoredFile
from modelyard.data.datastore import DatastoreInfo, DefaultDatastore
from modelyard.data.opening import open_access, reach
from modelyard.data.paths import read_prefix
from modelyard.sdk.data.progress import shown
from modelyard.sdk.data.reference import DataPath, DataReference
from modelyard.sdk.data.registration import DatastoreRegistration

if TYPE_CHECKING:
    from modelyard.sdk.workspace import Workspace


class Datastore(DatastoreRegistration):
    """A named place for data: files that the workspace keeps, a folder, or what else is registered.

    Every workspace has ``workspaceblobstore``, which is the default until another is chosen, and
    ``workspacefilestore``; both keep their files in the workspace, by their content.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.info: DatastoreInfo = workspace.backend.datastores.get(name)

    @classmethod
    def of(cls, workspace: Workspace, info: DatastoreInfo) -> Datastore:
        """Hold a datastore that was read already."""
        store = cls.__new__(cls)
        store.workspace, store.info = workspace, info
        return store

    @classmethod
    def get(cls, workspace: Workspace, datastore_name: str) -> Datastore:
        """Find a datastore.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        return cls(workspace, datastore_name)

    @classmethod
    def get_default(cls, workspace: Workspace) -> Datastore:
        """Return the datastore that is used where none is named."""
        return cls.of(workspace, workspace.backend.datastores.default())

    @property
    def name(self) -> str:
        """Its name."""
        return self.info.name

    @property
    def datastore_type(self) -> str:
        """Its kind, such as ``workspace`` or ``folder``."""
        return self.info.type

    @functools.cached_property
    def access(self) -> Access:
        """Its bytes, as they are reached from this machine."""
        backend = self.workspace.backend
        return open_access(self.info, backend.stored_files, backend.blobs)

    def reach(self) -> None:
        """Find out whether it answers this machine: files are listed, a database is asked for ``SELECT 1``.

        Raises
        ------
        ModelyardError
            If it does not; the text says why.
        """
        backend = self.workspace.backend
        reach(self.info, backend.stored_files, backend.blobs)

    def set_as_default(self) -> None:
        """Use it where none is named."""
        self.info = self.workspace.backend.datastores.set_default(DefaultDatastore(name=self.name))

    def unregister(self) -> None:
        """Forget it; the data stays where it is.

        Raises
        ------
        StateError
            If it is the default, or one that every workspace has.
        """
        self.workspace.backend.datastores.unregister(self.name)

    def upload_files(
        self,
        files: Sequence[str | Path],
        relative_root: str | Path | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Send files, several at a time, and return a reference to where they are.

        What is there with the same content is not sent again, so that a call that was interrupted can be repeated.

        Parameters
        ----------
        relative_root
            Keep the paths of `files` below this folder; without it they are kept by their names alone.
        target_path
            The folder on the datastore.
        overwrite
            Replace other content; without it that is an error, and nothing is written.

        Raises
        ------
        FilesDifferError
            If other content is there, and `overwrite` is not set.
        InvalidValueError
            If one is not a file that is there, or two would have the same path.
        FileChangedError
            If a file is written to while it is read.
        """
        target = read_prefix(target_path)
        root = None if relative_root is None else Path(relative_root)
        self._upload(transfer.files_named(map(Path, files), root, target), overwrite, show_progress)
        return DataReference(self, path_on_datastore=target)

    def upload(
        self, src_dir: str | Path, target_path: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> DataReference:
        """Send the files of a folder as `upload_files` does, with their paths in it.

        Raises
        ------
        InvalidPathError
            If a link in it leads out of it; nothing is sent then.
        """
        target = read_prefix(target_path)
        self._upload(transfer.files_of(Path(src_dir), target), overwrite, show_progress)
        return DataReference(self, path_on_datastore=target)

    def download(
        self, target_path: str | Path, prefix: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> int:
        """Fetch all files, or that at `prefix` and those below it, and say how many had to be fetched.

        They get their paths on the datastore, below the folder `target_path`. What is there with the same content is
        not fetched again.

        Raises
        ------
        FilesDifferError
            If other content is there, and `overwrite` is not set; nothing is written then.
        """
        found = self.list(prefix)
        folder = Path(target_path)
        folder.mkdir(parents=True, exist_ok=True)
        with shown("Downloading", sum(one.size for one in found), show=show_progress) as seen:
            return transfer.download(self.access, found, folder, overwrite=overwrite, seen=seen)

    def list(self, prefix: str | None = None) -> list[StoredFile]:
        """List all files, or that at `prefix` and those below it, by path."""
        return list(self.access.list(read_prefix(prefix)))

    def delete_files(self, prefix: str) -> int:
        """Delete the file at `prefix`, or those below it, and say how many; an empty text is all."""
        paths = [one.path for one in self.access.list(read_prefix(prefix))]
        self.access.delete(paths)
        return len(paths)

    def path(self, path: str | None = None) -> DataPath:
        """Return a path on it, to be given to a step."""
        return DataPath(self, path or "")

    def as_mount(self) -> DataReference:
        """Return a reference to all of it, to be had without copying it first, where that can be done."""
        return self.path().as_mount()

    def as_download(self) -> DataReference:
        """Return a reference to all of it, copied before the step begins."""
        return self.path().as_download()

    def as_upload(self) -> DataReference:
        """Return a reference to all of it, that the step writes."""
        return self.path().as_upload()

    def _upload(self, files: Sequence[LocalFile], overwrite: bool, show_progress: bool) -> None:
        with shown("Uploading", sum(file.size for file in files), show=show_progress) as seen:
            transfer.upload(self.access, f"The datastore {self.name!r}", files, overwrite=overwrite, seen=seen)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Datastore) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"Datastore({self.name!r}, {self.datastore_type!r})"

    @property
    def _identity(self) -> tuple[str, str]:
        return self.workspace.info.id, self.name
