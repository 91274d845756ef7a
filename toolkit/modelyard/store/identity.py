"""Which workspace this is: its id, its name, and the labels it was made with."""

from __future__ import annotations

import datetime as dt
import uuid

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Integer, String, Table, insert, select, update

from modelyard.errors import AlreadyExistsError, WorkspaceNotFoundError
from modelyard.names import check_name
from modelyard.operation import operation
from modelyard.store.schema import Document, metadata
from modelyard.store.store import Store

workspace = Table(
    "workspace",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("name", String(128), nullable=False),
    Column("document", Document, nullable=False),
)


class NewWorkspace(Struct, frozen=True, kw_only=True):
    """What a workspace is made from; `labels` are kept as they are given."""

    name: str
    labels: dict[str, str] = {}


class WorkspaceInfo(Struct, frozen=True, kw_only=True):
    """A workspace: its id (32 hexadecimal digits), its name, its labels, and when it was made (UTC)."""

    id: str
    name: str
    labels: dict[str, str]
    created: dt.datetime


class Identity:
    """What can be asked of the workspace itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("GET /workspace")
    def get(self) -> WorkspaceInfo:
        """Say which workspace this is.

        Raises
        ------
        WorkspaceNotFoundError
            If the database holds none: its making was cut short.
        """
        with self._store.database.read() as connection:
            document = connection.execute(select(workspace.c.document)).scalar()
        if document is None:
            raise WorkspaceNotFoundError(str(self._store.root))
        return msgspec.json.decode(document, type=WorkspaceInfo)

    @operation("PATCH /workspace", role="owner")
    def relabel(self, new: NewWorkspace) -> WorkspaceInfo:
        """Give the workspace a name and labels in place of those it has."""
        info = msgspec.structs.replace(self.get(), name=check_name("a workspace", new.name), labels=new.labels)
        with self._store.database.write() as connection:
            connection.execute(update(workspace).values(name=info.name, document=msgspec.json.encode(info)))
        return info

    def create(self, new: NewWorkspace) -> WorkspaceInfo:
        """Write the one row that makes a store a workspace.

        Raises
        ------
        AlreadyExistsError
            If it is one already.
        """
        info = WorkspaceInfo(
            id=uuid.uuid4().hex,
            name=check_name("a workspace", new.name),
            labels=new.labels,
            created=dt.datetime.now(dt.UTC),
        )
        with self._store.database.write() as connection:
            if (found := connection.execute(select(workspace.c.name)).scalar()) is not None:
                raise AlreadyExistsError("workspace", found, "Open it with Workspace.from_config().")
            connection.execute(insert(workspace).values(key=1, name=info.name, document=msgspec.json.encode(info)))
        return info
