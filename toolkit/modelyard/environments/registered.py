"""Environments that a workspace keeps, by name and version."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from modelyard.environments.specification import EnvironmentSpec


class NewEnvironment(Struct, frozen=True, kw_only=True):
    """What is registered; the blobs of its private wheels have been uploaded before."""

    spec: EnvironmentSpec


class EnvironmentVersion(Struct, frozen=True, kw_only=True):
    """A specification that never changes; `digest` is its digest, `version` counts from 1 without gaps."""

    name: str
    version: int
    digest: str
    spec: EnvironmentSpec
    created: dt.datetime


class EnvironmentQuery(Struct, frozen=True, kw_only=True):
    """Which environments to list: at most `limit` (1 to 1000) after the name or version that `cursor` holds."""

    limit: int = 100
    cursor: str | None = None


class NewEnvironmentLock(Struct, frozen=True, kw_only=True):
    """A lock for a version: `sha256` is that of the blob with the lock's JSON.

    Without `replace`, a lock that is kept already stays, so that everybody has the same one.
    """

    sha256: str
    replace: bool = False


class EnvironmentLock(Struct, frozen=True, kw_only=True):
    """The lock that is kept for a version on one platform: the blob's `sha256`, and the lock's own `digest`."""

    name: str
    version: int
    platform: str
    sha256: str
    digest: str
    created: dt.datetime
