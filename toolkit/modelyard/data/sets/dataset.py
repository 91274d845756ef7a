"""Data sets as values: a name with numbered versions, each of them the same for ever."""

from __future__ import annotations

import datetime as dt

import msgspec
from msgspec import Struct

from modelyard.data.sets.formats import Format
from modelyard.store.tree import Entry, Tree


class Reference(Struct, frozen=True, kw_only=True):
    """Where the files of a version are, if the workspace does not keep them: in the folder `path` of a datastore."""

    datastore: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.datastore}/{self.path}" if self.path else self.datastore


class Listing(Struct, frozen=True, kw_only=True):
    """The files of a reference, as they were registered. Written otherwise than a tree, it keeps no blobs."""

    listed: tuple[Entry, ...]

    @classmethod
    def of(cls, tree: Tree) -> Listing:
        """List the files of a tree."""
        return cls(listed=tree.entries)

    @property
    def tree(self) -> Tree:
        """The tree of these files."""
        return Tree.of(list(self.listed))

    def encode(self) -> bytes:
        """Write the bytes that are kept as a blob."""
        return msgspec.json.encode(self, order="deterministic")


class NewDatasetVersion(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a version is made from.

    Parameters
    ----------
    content
        The digest of a tree, or with `reference` of a blob that holds a `Listing`.
    format, profile
        Of what is one table: how it is read, and the digest of a blob that holds its `Profile`.
    description, tags
        Of the data set, all its versions; without a description the one that it has stays, and tags are added.
    run_id
        The run that made the data.
    """

    content: str
    reference: Reference | None = None
    format: Format | None = None
    profile: str | None = None
    description: str | None = None
    tags: dict[str, str] = {}
    run_id: str | None = None


class DatasetVersion(Struct, frozen=True, kw_only=True):
    """One version of a data set.

    Parameters
    ----------
    version
        Counts from 1 without gaps; the number of a deleted version is not used again.
    digest
        Of the tree of its files: the same wherever they are, another with any other byte or name.
    content, profile
        Digests of the blobs that list its files, and say what is in its columns.
    reference
        Where the files are; None if the workspace keeps them.
    files, size
        How many files it has, and their bytes.
    rows, columns
        Of what is one table.
    """

    name: str
    version: int
    digest: str
    content: str
    files: int
    size: int
    reference: Reference | None = None
    format: Format | None = None
    profile: str | None = None
    rows: int | None = None
    columns: int | None = None
    run_id: str | None = None
    created: dt.datetime
    description: str = ""
    tags: dict[str, str] = {}

    @property
    def id(self) -> str:
        """The short name, such as ``churn:3``."""
        return f"{self.name}:{self.version}"


class DatasetQuery(Struct, frozen=True, kw_only=True):
    """Which versions to list, the newest first.

    Parameters
    ----------
    digest
        Those with this content.
    latest
        Only the highest version of each name.
    limit
        1 to 1000.
    """

    name: str | None = None
    digest: str | None = None
    latest: bool = False
    limit: int = 100
    cursor: str | None = None
