"""Datastores as values."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from modelyard.data.kinds import Kind


class NewDatastore(Struct, frozen=True, kw_only=True):
    """A datastore to register; with `replace` it takes the place of one of the same name."""

    kind: Kind
    description: str = ""
    tags: dict[str, str] = {}
    replace: bool = False


class DatastoreInfo(Struct, frozen=True, kw_only=True):
    """A datastore of a workspace; `created` is UTC."""

    name: str
    kind: Kind
    description: str
    tags: dict[str, str]
    created: dt.datetime
    is_default: bool

    @property
    def type(self) -> str:
        """The name of its kind, such as ``folder``."""
        return str(type(self.kind).__struct_config__.tag)


class DatastoreQuery(Struct, frozen=True, kw_only=True):
    """Which datastores to list: at most `limit` (1 to 1000) after the name that `cursor` holds."""

    limit: int = 100
    cursor: str | None = None


class DefaultDatastore(Struct, frozen=True, kw_only=True):
    """Which datastore is to be the default."""

    name: str
