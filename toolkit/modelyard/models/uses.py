"""What can be done with the uses of models: who uses a version says so, and it cannot be deleted meanwhile.

A room of a higher layer calls `hold` and `release` inside the transaction in which its own row is written.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from modelyard.models import rows
from modelyard.models.model import ModelUse, ModelUsePage
from modelyard.models.tables import model_use
from modelyard.names import check_label, check_name
from modelyard.operation import operation
from modelyard.store.database import Database
from modelyard.store.store import Store


class ModelUses:
    """What can be done with the uses of models."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("GET /models/{name}/versions/{version}/uses")
    def list(self, name: str, version: int) -> ModelUsePage:
        """List what uses a version.

        Raises
        ------
        NotFoundError
            If there is no such version.
        """
        found = select(model_use.c.kind, model_use.c.user).where(
            model_use.c.name == name, model_use.c.version == version
        )
        with self._store.database.read() as connection:
            rows.row_of(connection, name, version)
            ordered = connection.execute(found.order_by(model_use.c.kind, model_use.c.user))
            return ModelUsePage(items=tuple(ModelUse(kind=row.kind, user=row.user) for row in ordered))

    @operation("POST /models/{name}/versions/{version}/uses")
    def add(self, name: str, version: int, use: ModelUse) -> ModelUse:
        """Say that something uses a version; saying it twice is saying it once.

        Raises
        ------
        NotFoundError
            If there is no such version.
        """
        hold(self._store.database, name, version, use)
        return use

    @operation("DELETE /models/{name}/versions/{version}/uses")
    def remove(self, name: str, version: int, use: ModelUse) -> None:
        """Say that something uses a version no more; does nothing if nobody said it did."""
        with self._store.database.write() as connection:
            release(connection, use, name, version)


def hold(database: Database, name: str, version: int, use: ModelUse) -> None:
    """Record that something uses a version; joins the caller's transaction.

    Raises
    ------
    NotFoundError
        If there is no such version.
    """
    check_name("a kind of use", use.kind)
    check_label("user", use.user)
    with database.write() as connection:
        rows.lock_name(connection, name)
        rows.row_of(connection, name, version)
        row = {"name": name, "version": version, "kind": use.kind, "user": use.user}
        connection.execute(database.insert(model_use).values(row).on_conflict_do_nothing())


def release(connection: Connection, use: ModelUse, name: str | None = None, version: int | None = None) -> None:
    """Record that something uses no version any more, or not this one."""
    wanted = [model_use.c.kind == use.kind, model_use.c.user == use.user]
    wanted += [] if name is None else [model_use.c.name == name]
    wanted += [] if version is None else [model_use.c.version == version]
    connection.execute(delete(model_use).where(*wanted))
