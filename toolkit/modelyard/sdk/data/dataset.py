"""The data set that a user holds: a version of what data was, by its name and number."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from modelyard.data import transfer
from modelyard.data.access import Readable, StoredFile
from modelyard.data.errors import NotTabularError
from modelyard.data.sets.comparison import DatasetDifference, compare
from modelyard.data.sets.content import kept_files, referenced_files
from modelyard.data.sets.dataset import DatasetQuery, DatasetVersion, Listing
from modelyard.data.sets.profile import Profile
from modelyard.data.sets.tabular import Table, format_of, read_table
from modelyard.paging import every
from modelyard.sdk.data.dataset_input import DatasetInput
from modelyard.sdk.data.datastore import Datastore
from modelyard.sdk.data.draft import Files, Tabular
from modelyard.sdk.data.keeping import SaidOfDataset, register, table_folder
from modelyard.sdk.data.progress import shown
from modelyard.sdk.data.reading import TableReading
from modelyard.sdk.data.selection import select
from modelyard.store.cached_folder import cached_folder
from modelyard.store.tree import Entry, Tree

if TYPE_CHECKING:
    from modelyard.sdk.workspace import Workspace


class Dataset(TableReading):
    """One version of a data set: files that never change, by a name and a number.

    Made by `register`, `get_by_name` and `list`.

    Parameters
    ----------
    name
        ``NAME`` for the highest version, or ``NAME:VERSION``.

    Raises
    ------
    NotFoundError
        If there is none.
    """

    Tabular: ClassVar[type[Tabular]] = Tabular
    File: ClassVar[type[Files]] = Files

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.info: DatasetVersion = workspace.backend.datasets.get(name)

    @classmethod
    def of(cls, workspace: Workspace, info: DatasetVersion) -> Dataset:
        """Hold a version that was read already."""
        dataset = cls.__new__(cls)
        dataset.workspace, dataset.info = workspace, info
        return dataset

    @classmethod
    def register(
        cls,
        workspace: Workspace,
        name: str,
        path: Any,
        *,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        show_progress: bool = True,
    ) -> Dataset:
        """Register files as the next version of a name; if the latest one is the same, that is returned.

        Files that all are ``.csv``, ``.tsv``, ``.parquet`` or ``.jsonl`` by their names are one table; `Tabular` and
        `File` say it otherwise.

        Parameters
        ----------
        path
            A file, a folder or a pattern of this machine: the workspace keeps what is there. Or a `DataPath`, a
            `DataReference` or a pair of a datastore and a path: files of a folder or an object store stay where they
            are, their digests are recorded, and compared whenever they are used.
        description, tags
            Of the data set, all its versions; without a description the one that it has stays, and tags are added.

        Raises
        ------
        NotFoundError
            If there are no such files.
        FileChangedError
            If a file is written to while it is read.
        TableNotReadError
            If they should be one table by their names, and are not.
        """
        files = select(path)
        said = SaidOfDataset(description=description, tags=tags, show_progress=show_progress)
        return cls.of(workspace, register(workspace, name, files, said, format_of(files.paths)))

    @classmethod
    def get_by_name(cls, workspace: Workspace, name: str, version: int | str = "latest") -> Dataset:
        """Find a version.

        Raises
        ------
        NotFoundError
            If there is none.
        InvalidReferenceError
            If `version` is not ``latest`` or a number above 0.
        """
        return cls(workspace, name if version == "latest" else f"{name}:{version}")

    @classmethod
    def list(cls, workspace: Workspace, name: str | None = None, *, latest: bool = False) -> list[Dataset]:
        """List versions, the newest first; with `latest` only the highest of each name."""
        found = every(workspace.backend.datasets.list, DatasetQuery(name=name, latest=latest, limit=1000))
        return [cls.of(workspace, one) for one in found]

    @property
    def name(self) -> str:
        """Its name."""
        return self.info.name

    @property
    def version(self) -> int:
        """Its number."""
        return self.info.version

    @property
    def id(self) -> str:
        """The short name, such as ``churn:3``."""
        return self.info.id

    @property
    def digest(self) -> str:
        """The digest of its files: the same wherever they are, another with any other byte or name."""
        return self.info.digest

    @property
    def description(self) -> str:
        """What is said of the data set."""
        return self.info.description

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the data set."""
        return dict(self.info.tags)

    @functools.cached_property
    def tree(self) -> Tree:
        """Its files, as they were registered."""
        backend = self.workspace.backend
        if self.info.reference is None:
            return backend.trees.get(self.info.content)
        return msgspec.json.decode(backend.blobs.read(self.info.content), type=Listing).tree

    def files(self) -> tuple[Entry, ...]:
        """List its files by path, each with its sha256 and its bytes."""
        return self.tree.entries

    def download(self, folder: str | Path, overwrite: bool = False, show_progress: bool = True) -> int:
        """Write its files below `folder`, and say how many had to be fetched; what is there already is not.

        Raises
        ------
        FilesDifferError
            If other content is there, and `overwrite` is not set; nothing is written then.
        DigestMismatchError
            If what the workspace keeps is damaged.
        DatasetChangedError
            If its files stay on a datastore, and one has changed or is gone.
        """
        source, found = source_of(self)
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        with shown("Downloading", self.info.size, show=show_progress) as seen:
            return transfer.download(source, found, place, overwrite=overwrite, seen=seen)

    def to_table(self) -> Table:
        """Read all of it.

        Raises
        ------
        NotTabularError
            If it is files.
        DigestMismatchError
            If what the workspace keeps is damaged.
        DatasetChangedError
            If its files stay on a datastore, and one has changed or is gone.
        """
        if self.info.format is None:
            raise NotTabularError(self.id)
        source, found = source_of(self)

        def write(folder: Path) -> None:
            folder.mkdir()
            transfer.download(source, found, folder, overwrite=True, seen=lambda *_: None)

        folder = cached_folder(table_folder(self.workspace, self.tree), self.tree, write)
        return read_table({path: folder / path for path in self.tree.files}, self.info.format)

    def profile(self) -> Profile:
        """Say what is in its columns, as it was worked out when it was registered.

        Raises
        ------
        NotTabularError
            If it is files.
        """
        if self.info.profile is None:
            raise NotTabularError(self.id)
        return Profile.from_json(self.workspace.backend.blobs.read(self.info.profile))

    def diff(self, other: Dataset | int) -> DatasetDifference:
        """Say what differs from this version to another one, or to another version of this data set by its number.

        Raises
        ------
        NotFoundError
            If there is no such version.
        """
        after = other if isinstance(other, Dataset) else Dataset(self.workspace, f"{self.name}:{other}")
        sides = [(one.id, one.tree, one.profile() if one.info.profile else None) for one in (self, after)]
        return compare(*sides)

    def as_input(self, name: str | None = None) -> DatasetInput:
        """Return what a step is given of it, under a name of its own."""
        return DatasetInput(self, name)

    def as_named_input(self, name: str) -> DatasetInput:
        """Return what a step is given of it, under a name of its own."""
        return DatasetInput(self, name)

    def as_mount(self) -> DatasetInput:
        """Return what a step is given of it, to be had without copying it first, where that can be done."""
        return DatasetInput(self, mode="mount")

    def as_download(self) -> DatasetInput:
        """Return what a step is given of it, copied before the step begins."""
        return DatasetInput(self, mode="download")

    def unregister(self) -> None:
        """Delete this version; its number is not given again, and files that stay on a datastore are left there.

        Raises
        ------
        InUseError
            If something uses it; the text says what.
        """
        self.workspace.backend.datasets.delete(self.name, self.version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dataset) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"Dataset({self.id!r}, {self.digest[:12]!r})"

    @property
    def _identity(self) -> tuple[str, str, int]:
        return self.workspace.info.id, self.name, self.version


def source_of(dataset: Dataset) -> tuple[Readable, list[StoredFile]]:
    """Give the files of a version to be fetched; those that stay elsewhere have been compared.

    Raises
    ------
    DatasetChangedError
        If one of those has changed or is gone.
    """
    info, workspace = dataset.info, dataset.workspace
    if info.reference is None:
        return kept_files(info, dataset.tree, workspace.backend.blobs)
    return referenced_files(info, dataset.tree, Datastore(workspace, info.reference.datastore).access)
