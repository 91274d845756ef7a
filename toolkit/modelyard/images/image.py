"""What a registered image is: numbered versions under a name, each with one sealed specification."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from modelyard.images.spec import ImageSpec
from modelyard.operation import Page


class NewImageVersion(Struct, frozen=True, kw_only=True):
    """What a version is made from.

    Parameters
    ----------
    spec
        The digest of the specification, kept as a blob.
    blobs
        The digests of further blobs that belong to it: those of its base images, and what was seen when it was tried.
    trial
        The digest of the report of its trial, as JSON; empty where it was not tried.
    source
        Where the code came from: ``commit``, ``branch``, ``remote`` and ``dirty`` of its git repository.
    foreign
        It comes from another workspace: the model versions that it names need not be in this one's registry.
    """

    spec: str
    blobs: tuple[str, ...] = ()
    trial: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    source: dict[str, str] = {}
    foreign: bool = False


class ImageVersion(Struct, frozen=True, kw_only=True):
    """One version of an image; `digest` is the identity of its specification."""

    name: str
    version: int
    digest: str
    spec: ImageSpec
    trial: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    source: dict[str, str] = {}
    created: dt.datetime

    @property
    def id(self) -> str:
        """The short name, such as ``digits:3``."""
        return f"{self.name}:{self.version}"


class ImageChange(Struct, frozen=True, kw_only=True):
    """What is to change of a version; what is not given stays."""

    description: str | None = None
    tags: dict[str, str] = {}
    without_tags: tuple[str, ...] = ()


class ImageQuery(Struct, frozen=True, kw_only=True):
    """Which versions to list, the newest first.

    Parameters
    ----------
    model
        Those that hold it: ``NAME`` or ``NAME:VERSION``.
    tags
        Each ``NAME`` (has it, whatever its value) or ``NAME=VALUE``; all have to hold.
    digest
        Those with this identity.
    limit
        1 to 1000.
    """

    name: str | None = None
    model: str | None = None
    tags: tuple[str, ...] = ()
    digest: str | None = None
    limit: int = 100
    cursor: str | None = None


class ImageUse(Struct, frozen=True, kw_only=True):
    """What uses a version, so that it cannot be deleted: a `kind` such as ``service``, and the `user`'s name."""

    kind: str
    user: str

    def __str__(self) -> str:
        return f"{self.kind} {self.user}"


ImagePage = Page[ImageVersion]
