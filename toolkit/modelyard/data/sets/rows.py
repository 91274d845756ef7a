"""Reading the rows of data sets, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import ColumnElement, Connection, Row, exists, select

from modelyard.data.sets.dataset import DatasetQuery, DatasetVersion
from modelyard.data.tables import dataset, dataset_version
from modelyard.errors import NotFoundError
from modelyard.paging import read_cursor

_KNOWN = 50
"""How many names or versions an error may choose the nearest from."""


class Said(Struct, frozen=True, kw_only=True):
    """What is said of a data set, all its versions."""

    description: str = ""
    tags: dict[str, str] = {}


def lock_name(connection: Connection, name: str) -> Said:
    """Let nobody else change the versions of `name` until the transaction ends, and return what is said of it.

    Raises
    ------
    NotFoundError
        If there never was a data set of that name.
    """
    these = select(dataset.c.document).where(dataset.c.name == name)
    document = connection.execute(these.with_for_update()).scalar()
    if document is None:
        raise unknown(connection, name)
    return msgspec.json.decode(document, type=Said)


def unknown(connection: Connection, name: str) -> NotFoundError:
    """Make the error for a name that has no versions."""
    known = connection.execute(select(dataset_version.c.name).distinct().limit(_KNOWN)).scalars().all()
    return NotFoundError("data set", name, known)


def row_of(connection: Connection, name: str, version: int | None) -> Row[Any, Any]:
    """Read the key and the document of a version; the highest one if `version` is None.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    these = select(dataset_version).where(dataset_version.c.name == name)
    newest = these.order_by(dataset_version.c.version.desc())
    wanted = newest if version is None else these.where(dataset_version.c.version == version)
    row = connection.execute(wanted.limit(1)).first()
    if row is not None:
        return row
    found = connection.execute(newest.limit(_KNOWN)).all()
    if not found:
        raise unknown(connection, name)
    raise NotFoundError("version of a data set", f"{name}:{version}", [f"{name}:{one.version}" for one in found])


def versions(connection: Connection, found: list[Row[Any, Any]]) -> Iterator[DatasetVersion]:
    """Decode versions, and add what is said of their data sets."""
    named = select(dataset.c.name, dataset.c.document).where(dataset.c.name.in_({row.name for row in found}))
    said = {
        row.name: structs.asdict(msgspec.json.decode(row.document, type=Said))
        for row in (connection.execute(named) if found else ())
    }
    for row in found:
        version = msgspec.json.decode(row.document, type=DatasetVersion)
        yield structs.replace(version, **said[row.name])


def conditions(query: DatasetQuery) -> Iterator[ColumnElement[bool]]:
    """Write a query as conditions on `dataset_version`.

    Raises
    ------
    InvalidValueError
        If the cursor is not one that a page gave.
    """
    columns = dataset_version.c
    for column, wanted in ((columns.name, query.name), (columns.digest, query.digest)):
        if wanted is not None:
            yield column == wanted
    if query.latest:
        newer = dataset_version.alias("newer")
        yield ~exists().where(newer.c.name == columns.name, newer.c.version > columns.version)
    if query.cursor is not None:
        yield columns.key < read_cursor(query.cursor)
