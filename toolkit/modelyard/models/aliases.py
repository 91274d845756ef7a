"""What can be done with the aliases of models: they are moved in one step, and every move is kept."""

from __future__ import annotations

import datetime as dt

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, select

from modelyard.errors import NotFoundError
from modelyard.models import rows
from modelyard.models.model import (
    AliasMove,
    AliasMovePage,
    AliasMoveQuery,
    ModelAlias,
    ModelAliasPage,
    MoveAlias,
    RemoveAlias,
)
from modelyard.models.tables import model_alias, model_alias_move
from modelyard.names import check_name
from modelyard.operation import operation
from modelyard.paging import check_limit, read_cursor
from modelyard.store.store import Store


class ModelAliases:
    """What can be done with the aliases of models."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("GET /models/{name}/aliases")
    def list(self, name: str) -> ModelAliasPage:
        """List the aliases of a model, by name.

        Raises
        ------
        NotFoundError
            If there is no model of that name.
        """
        with self._store.database.read() as connection:
            rows.latest_version(connection, name)
            found = select(model_alias).where(model_alias.c.name == name).order_by(model_alias.c.alias)
            return ModelAliasPage(items=tuple(map(_alias, connection.execute(found).mappings())))

    @operation("PUT /models/{name}/aliases/{alias}")
    def move(self, name: str, alias: str, to: MoveAlias) -> ModelAlias:
        """Let an alias point to a version, wherever it pointed before.

        Raises
        ------
        InvalidNameError
            If `alias` breaks the rule for names.
        NotFoundError
            If there is no such version.
        """
        check_name("an alias", alias)
        now = dt.datetime.now(dt.UTC)
        with self._store.database.write() as connection:
            rows.lock_name(connection, name)
            rows.row_of(connection, name, to.version)
            if (before := _find(connection, name, alias)) is not None and before.version == to.version:
                return before
            moved = ModelAlias(name=name, alias=alias, version=to.version, moved=now)
            row = {"name": name, "alias": alias, "version": to.version, "moved": now.timestamp()}
            written = self._store.database.insert(model_alias).values(row)
            keys = [model_alias.c.name, model_alias.c.alias]
            connection.execute(written.on_conflict_do_update(index_elements=keys, set_=row))
            _record(connection, moved, to, before=before.version if before else None, after=to.version)
        return moved

    @operation("DELETE /models/{name}/aliases/{alias}")
    def remove(self, name: str, alias: str, said: RemoveAlias) -> None:
        """Remove an alias; its history stays.

        Raises
        ------
        NotFoundError
            If there is no such alias.
        """
        with self._store.database.write() as connection:
            rows.lock_name(connection, name)
            before = _find(connection, name, alias)
            if before is None:
                rows.aliased_version(connection, name, alias)
                raise NotFoundError("model alias", f"{name}@{alias}")
            found = (model_alias.c.name == name) & (model_alias.c.alias == alias)
            connection.execute(delete(model_alias).where(found))
            removed = msgspec.structs.replace(before, moved=dt.datetime.now(dt.UTC))
            _record(connection, removed, said, before=before.version, after=None)

    @operation("GET /models/{name}/alias-moves")
    def moves(self, name: str, query: AliasMoveQuery) -> AliasMovePage:
        """List how the aliases of a model were moved, the newest move first; nothing is ever taken from this list."""
        check_limit(query.limit)
        wanted = [model_alias_move.c.name == name]
        if query.alias is not None:
            wanted.append(model_alias_move.c.alias == query.alias)
        if query.cursor is not None:
            wanted.append(model_alias_move.c.key < read_cursor(query.cursor))
        with self._store.database.read() as connection:
            newest = select(model_alias_move).where(*wanted).order_by(model_alias_move.c.key.desc())
            found = connection.execute(newest.limit(query.limit + 1)).all()
        items = tuple(msgspec.json.decode(row.document, type=AliasMove) for row in found[: query.limit])
        more = len(found) > query.limit
        return AliasMovePage(items=items, cursor=str(found[query.limit - 1].key) if more else None)


def _find(connection: Connection, name: str, alias: str) -> ModelAlias | None:
    found = select(model_alias).where(model_alias.c.name == name, model_alias.c.alias == alias)
    row = connection.execute(found).mappings().first()
    return None if row is None else _alias(row)


def _alias(row: RowMapping) -> ModelAlias:
    return ModelAlias(**dict(row) | {"moved": dt.datetime.fromtimestamp(row["moved"], dt.UTC)})


def _record(
    connection: Connection, alias: ModelAlias, said: MoveAlias | RemoveAlias, *, before: int | None, after: int | None
) -> None:
    move = AliasMove(
        name=alias.name,
        alias=alias.alias,
        before=before,
        after=after,
        who=said.who,
        why=said.why,
        moved=alias.moved,
    )
    row = {"name": move.name, "alias": move.alias, "document": msgspec.json.encode(move)}
    connection.execute(insert(model_alias_move).values(row))
