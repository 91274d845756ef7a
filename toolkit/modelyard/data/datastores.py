"""What can be done with the datastores of a workspace."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, select, update

from modelyard.data.datastore import DatastoreInfo, DatastoreQuery, DefaultDatastore, NewDatastore
from modelyard.data.kinds import BEGINNING, Kind
from modelyard.data.tables import dataset_version, datastore, datastore_default
from modelyard.errors import AlreadyExistsError, InUseError, NotFoundError, StateError
from modelyard.names import check_label, check_name
from modelyard.operation import Page, operation
from modelyard.paging import check_limit
from modelyard.store.store import Store


class _Document(Struct, frozen=True, kw_only=True):
    kind: Kind
    description: str = ""
    tags: dict[str, str] = {}


class Datastores:
    """What can be done with datastores: what is registered is a name, not the data."""

    def __init__(self, store: Store) -> None:
        self._database = store.database

    @operation("PUT /datastores/{name}")
    def register(self, name: str, new: NewDatastore) -> DatastoreInfo:
        """Give a place where data is kept a name.

        Raises
        ------
        InvalidNameError
            If the name breaks the rule for names.
        AlreadyExistsError
            If the name is taken, and `new` does not ask to replace it.
        StateError
            If it is that of a datastore that every workspace has.
        InvalidValueError
            If the kind cannot be registered, or what it needs is not right.
        """
        check_name("a datastore", name)
        _check_not_beginning(name, "be registered anew")
        new.kind.check()
        for key in new.tags:
            check_label("tag", key)
        kept = _Document(kind=new.kind, description=new.description, tags=new.tags)
        row = {"name": name, "created": time.time(), "document": msgspec.json.encode(kept)}
        statement = self._database.insert(datastore).values(row)
        with self._database.write() as connection:
            if new.replace:
                statement = statement.on_conflict_do_update(index_elements=["name"], set_=row)
            else:
                statement = statement.on_conflict_do_nothing()
            if connection.execute(statement.returning(datastore.c.key)).first() is None:
                raise AlreadyExistsError("datastore", name, "Take another name, or replace it with overwrite=True.")
            return self.get(name)

    @operation("GET /datastores/{name}")
    def get(self, name: str) -> DatastoreInfo:
        """Read a datastore.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self._database.read() as connection:
            return _info(find_datastore(connection, name), _default(connection))

    @operation("GET /datastores")
    def list(self, query: DatastoreQuery) -> Page[DatastoreInfo]:
        """List datastores by name."""
        limit = check_limit(query.limit)
        statement = select(datastore).where(datastore.c.name > (query.cursor or "")).order_by(datastore.c.name)
        with self._database.read() as connection:
            rows = connection.execute(statement.limit(limit + 1)).mappings().all()
            default = _default(connection)
        cursor = rows[limit - 1]["name"] if len(rows) > limit else None
        return Page(items=tuple(_info(row, default) for row in rows[:limit]), cursor=cursor)

    @operation("DELETE /datastores/{name}")
    def unregister(self, name: str) -> None:
        """Forget a datastore; the data stays where it is.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        StateError
            If it is the default, or one that every workspace has.
        InUseError
            If the files of a data set are in it.
        """
        with self._database.write() as connection:
            find_datastore(connection, name, lock=True)
            _check_not_beginning(name, "be unregistered")
            if _default(connection) == name:
                raise StateError(f"The datastore {name!r}", "the default", "be unregistered; make another the default")
            if users := _datasets(connection, name):
                raise InUseError("datastore", name, users)
            connection.execute(delete(datastore).where(datastore.c.name == name))

    @operation("GET /default-datastore")
    def default(self) -> DatastoreInfo:
        """Read the default datastore."""
        with self._database.read() as connection:
            return self.get(_default(connection))

    @operation("PUT /default-datastore")
    def set_default(self, wanted: DefaultDatastore) -> DatastoreInfo:
        """Make a datastore the default.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self._database.write() as connection:
            find_datastore(connection, wanted.name)
            connection.execute(update(datastore_default).values(name=wanted.name))
            return self.get(wanted.name)


def find_datastore(connection: Connection, name: str, *, lock: bool = False) -> dict[str, Any]:
    """Read the row of a datastore.

    Parameters
    ----------
    lock
        Let nobody unregister it until the transaction ends.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """
    these = select(datastore).where(datastore.c.name == name)
    row = connection.execute(these.with_for_update() if lock else these).mappings().first()
    if row is None:
        known = connection.execute(select(datastore.c.name).order_by(datastore.c.name).limit(1000)).scalars()
        raise NotFoundError("datastore", name, known.all())
    return dict(row)


def kind_of(row: dict[str, Any]) -> Kind:
    """Say of which kind the datastore in a row is."""
    return msgspec.json.decode(row["document"], type=_Document).kind


def _datasets(connection: Connection, name: str) -> tuple[str, ...]:
    """Name some of the versions of data sets whose files are in a datastore."""
    these = select(dataset_version.c.name, dataset_version.c.version).where(dataset_version.c.datastore == name)
    found = connection.execute(these.order_by(dataset_version.c.key.desc()).limit(10))
    return tuple(f"the data set {row.name}:{row.version}" for row in found)


def _default(connection: Connection) -> str:
    return str(connection.execute(select(datastore_default.c.name)).scalar_one())


def _info(row: Any, default: str) -> DatastoreInfo:
    document = msgspec.json.decode(row["document"], type=_Document)
    return DatastoreInfo(
        name=row["name"],
        kind=document.kind,
        description=document.description,
        tags=document.tags,
        created=dt.datetime.fromtimestamp(row["created"], dt.UTC),
        is_default=row["name"] == default,
    )


def _check_not_beginning(name: str, asked: str) -> None:
    if name in BEGINNING:
        raise StateError(f"The datastore {name!r}", "one that every workspace has", asked)
