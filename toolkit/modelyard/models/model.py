"""What a registered model is: numbered versions under a name, aliases that move, and what uses them."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from modelyard.errors import InvalidValueError
from modelyard.models.signature import Signature
from modelyard.names import check_label
from modelyard.operation import Page

_LONGEST_VALUE = 10_000


class DatasetUse(Struct, frozen=True, kw_only=True):
    """A data set that went into a model: what for (such as ``training data``), and which."""

    purpose: str
    dataset: str


class NewModelVersion(Struct, frozen=True, kw_only=True):
    """What a version is made from.

    Parameters
    ----------
    tree
        The digest of a tree that holds one file or one folder: the model.
    sample, certificate, lock
        Digests of blobs: a `Sample`, a certificate of parity and an environment lock, each as JSON.
    run_id
        The run that made the model.
    """

    tree: str
    description: str = ""
    framework: str | None = None
    framework_version: str | None = None
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    datasets: tuple[DatasetUse, ...] = ()
    signature: Signature | None = None
    sample: str | None = None
    certificate: str | None = None
    lock: str | None = None
    run_id: str | None = None


class ModelVersion(Struct, frozen=True, kw_only=True):
    """One version of a model.

    Parameters
    ----------
    version
        Counts from 1 without gaps; the number of a deleted version is not used again.
    entry
        The name of the one file or folder that the tree holds.
    files, size
        How many files the tree has, and their bytes.
    aliases
        Those that point here now.
    """

    name: str
    version: int
    tree: str
    entry: str
    files: int
    size: int
    description: str = ""
    framework: str | None = None
    framework_version: str | None = None
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    datasets: tuple[DatasetUse, ...] = ()
    signature: Signature | None = None
    sample: str | None = None
    certificate: str | None = None
    lock: str | None = None
    run_id: str | None = None
    aliases: tuple[str, ...] = ()
    created: dt.datetime

    @property
    def id(self) -> str:
        """The short name, such as ``digits:3``."""
        return f"{self.name}:{self.version}"


class ModelChange(Struct, frozen=True, kw_only=True):
    """What is to change of a version; what is not given stays.

    Parameters
    ----------
    tags
        Tags to set.
    without_tags
        Names of tags to remove.
    properties
        Properties to add; one that is there keeps its value.
    datasets
        Data sets to add.
    """

    description: str | None = None
    framework: str | None = None
    framework_version: str | None = None
    tags: dict[str, str] = {}
    without_tags: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    datasets: tuple[DatasetUse, ...] = ()


class ModelQuery(Struct, frozen=True, kw_only=True):
    """Which versions to list, the newest first.

    Parameters
    ----------
    tags, properties
        Each ``NAME`` (has it, whatever its value) or ``NAME=VALUE``; all have to hold.
    latest
        Only the highest version of each name.
    limit
        1 to 1000.
    """

    name: str | None = None
    tags: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    run_id: str | None = None
    framework: str | None = None
    latest: bool = False
    limit: int = 100
    cursor: str | None = None


class ModelAlias(Struct, frozen=True, kw_only=True):
    """A name that points to one version and can be moved, such as ``champion``."""

    name: str
    alias: str
    version: int
    moved: dt.datetime


class MoveAlias(Struct, frozen=True, kw_only=True):
    """Where an alias is to point; a server puts its caller's name for `who`."""

    version: int
    who: str = ""
    why: str = ""


class RemoveAlias(Struct, frozen=True, kw_only=True):
    """Who removes an alias, and why; a server puts its caller's name for `who`."""

    who: str = ""
    why: str = ""


class AliasMove(Struct, frozen=True, kw_only=True):
    """One move of an alias; `before` is None when it was new, `after` when it was removed."""

    name: str
    alias: str
    before: int | None
    after: int | None
    who: str
    why: str
    moved: dt.datetime


class AliasMoveQuery(Struct, frozen=True, kw_only=True):
    """Which moves to list, the newest first; `limit` is 1 to 1000."""

    alias: str | None = None
    limit: int = 100
    cursor: str | None = None


class ModelUse(Struct, frozen=True, kw_only=True):
    """What uses a version, so that it cannot be deleted: a `kind` such as ``service``, and the `user`'s name."""

    kind: str
    user: str

    def __str__(self) -> str:
        return f"{self.kind} {self.user}"


ModelPage = Page[ModelVersion]
ModelAliasPage = Page[ModelAlias]
AliasMovePage = Page[AliasMove]
ModelUsePage = Page[ModelUse]


def check_pairs(kind: str, pairs: dict[str, str]) -> dict[str, str]:
    """Return tags or properties.

    Raises
    ------
    InvalidValueError
        If a name is not 1 to 250 printable characters without ``=``, or a value has a NUL or over 10,000 characters.
    """
    for name, value in pairs.items():
        check_label(kind, name)
        if "=" in name:
            raise InvalidValueError(f"{kind} {name!r}", "its name cannot have '=', which stands before its value")
        if "\x00" in value or len(value) > _LONGEST_VALUE:
            raise InvalidValueError(f"{kind} {name!r}", f"its value has a NUL, or over {_LONGEST_VALUE} characters")
    return pairs
