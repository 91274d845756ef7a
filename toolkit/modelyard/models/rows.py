"""Reading and writing the registry's rows, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, exists, insert, select, update

from modelyard.errors import NotFoundError
from modelyard.models.model import ModelQuery, ModelVersion
from modelyard.models.tables import model, model_alias, model_label, model_version
from modelyard.paging import read_cursor

_KNOWN = 50
"""How many names or versions an error may choose the nearest from."""


def lock_name(connection: Connection, name: str) -> None:
    """Let nobody else change the versions and aliases of `name` until the transaction ends.

    Raises
    ------
    NotFoundError
        If there never was a model of that name.
    """
    if connection.execute(select(model.c.name).where(model.c.name == name).with_for_update()).first() is None:
        raise unknown_model(connection, name)


def unknown_model(connection: Connection, name: str) -> NotFoundError:
    """Make the error for a name that has no versions."""
    known = connection.execute(select(model_version.c.name).distinct().limit(_KNOWN)).scalars().all()
    return NotFoundError("model", name, known)


def unknown_version(connection: Connection, name: str, version: int) -> NotFoundError:
    """Make the error for a version that is not there."""
    numbers = select(model_version.c.version).where(model_version.c.name == name)
    found = connection.execute(numbers.order_by(model_version.c.version.desc()).limit(_KNOWN)).scalars().all()
    if not found:
        return unknown_model(connection, name)
    return NotFoundError("model version", f"{name}:{version}", [f"{name}:{number}" for number in found])


def row_of(connection: Connection, name: str, version: int) -> Row[Any, Any]:
    """Read the key and the document of a version.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    columns = select(model_version.c.key, model_version.c.document)
    row = connection.execute(columns.where(model_version.c.name == name, model_version.c.version == version)).first()
    if row is None:
        raise unknown_version(connection, name, version)
    return row


def latest_version(connection: Connection, name: str) -> int:
    """Say the highest version of a name.

    Raises
    ------
    NotFoundError
        If it has none.
    """
    numbers = select(model_version.c.version).where(model_version.c.name == name)
    found = connection.execute(numbers.order_by(model_version.c.version.desc()).limit(1)).scalar()
    if found is None:
        raise unknown_model(connection, name)
    return int(found)


def aliased_version(connection: Connection, name: str, alias: str) -> int:
    """Say which version an alias points to.

    Raises
    ------
    NotFoundError
        If there is no such alias.
    """
    aliases = select(model_alias.c.alias, model_alias.c.version).where(model_alias.c.name == name)
    known = {row.alias: row.version for row in connection.execute(aliases)}
    if alias not in known:
        latest_version(connection, name)  # an unknown model is said to be unknown, not its alias
        raise NotFoundError("model alias", f"{name}@{alias}", [f"{name}@{one}" for one in known])
    return int(known[alias])


def with_aliases(connection: Connection, documents: Iterable[bytes]) -> Iterator[ModelVersion]:
    """Decode versions, and add the aliases that point to them."""
    versions = [msgspec.json.decode(document, type=ModelVersion) for document in documents]
    rows = select(model_alias).where(model_alias.c.name.in_({one.name for one in versions}))
    pointing: dict[tuple[str, int], list[str]] = {}
    for row in connection.execute(rows.order_by(model_alias.c.alias)) if versions else ():
        pointing.setdefault((row.name, row.version), []).append(row.alias)
    for one in versions:
        yield msgspec.structs.replace(one, aliases=tuple(pointing.get((one.name, one.version), ())))


def save(connection: Connection, key: int, version: ModelVersion) -> None:
    """Write a version's document and labels anew."""
    written = msgspec.json.encode(version)
    changed = {"framework": version.framework, "document": written}
    connection.execute(update(model_version).where(model_version.c.key == key).values(changed))
    connection.execute(delete(model_label).where(model_label.c.key == key))
    write_labels(connection, key, version)


def write_labels(connection: Connection, key: int, version: ModelVersion) -> None:
    """Write the rows by which a version is found by its tags and properties."""
    labels = [("tag", *pair) for pair in version.tags.items()]
    labels += [("property", *pair) for pair in version.properties.items()]
    if labels:
        rows = [{"key": key, "kind": kind, "name": name, "value": value} for kind, name, value in labels]
        connection.execute(insert(model_label), rows)


def conditions(query: ModelQuery) -> Iterator[ColumnElement[bool]]:
    """Write a query as conditions on `model_version`.

    Raises
    ------
    InvalidValueError
        If the cursor is not one that a page gave.
    """
    columns = model_version.c
    for column, wanted in ((columns.name, query.name), (columns.run_id, query.run_id)):
        if wanted is not None:
            yield column == wanted
    if query.framework is not None:
        yield columns.framework == query.framework
    for kind, labels in (("tag", query.tags), ("property", query.properties)):
        yield from (_has_label(kind, label) for label in labels)
    if query.latest:
        newer = model_version.alias("newer")
        yield ~exists().where(newer.c.name == columns.name, newer.c.version > columns.version)
    if query.cursor is not None:
        yield columns.key < read_cursor(query.cursor)


def _has_label(kind: str, label: str) -> ColumnElement[bool]:
    name, equals, value = label.partition("=")
    found = exists().where(
        model_label.c.key == model_version.c.key, model_label.c.kind == kind, model_label.c.name == name
    )
    return found.where(model_label.c.value == value) if equals else found
