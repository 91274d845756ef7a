"""Who uses a version of a data set says so, and it cannot be deleted meanwhile.

A room of a higher layer calls `hold` and `release` inside the transaction in which its own row is written.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from modelyard.data.sets import rows
from modelyard.data.tables import dataset_use, dataset_version
from modelyard.errors import InvalidReferenceError
from modelyard.names import VersionRef, check_label, check_name
from modelyard.store.database import Database


def hold(database: Database, name: str, version: int, *, kind: str, user: str) -> None:
    """Record that `user` (a model, a run, … as `kind` says) uses a version; joins the caller's transaction.

    Raises
    ------
    NotFoundError
        If there is no such version.
    """
    check_name("a kind of use", kind)
    check_label("user", user)
    with database.write() as connection:
        rows.lock_name(connection, name)
        rows.row_of(connection, name, version)
        row = {"name": name, "version": version, "kind": kind, "user": user}
        connection.execute(database.insert(dataset_use).values(row).on_conflict_do_nothing())


def hold_named(database: Database, text: str, *, kind: str, user: str) -> None:
    """Record a use if `text` names a version that is here (``churn:3``); it may be any other text."""
    try:
        wanted = VersionRef.parse(text)
    except InvalidReferenceError:
        return
    these = (dataset_version.c.name == wanted.name) & (dataset_version.c.version == wanted.version)
    with database.write() as connection:
        if connection.execute(select(dataset_version.c.key).where(these)).first() is not None:
            hold(database, wanted.name, int(wanted.version or 0), kind=kind, user=user)


def release(connection: Connection, *, kind: str, user: str) -> None:
    """Record that `user` uses no version any more."""
    connection.execute(delete(dataset_use).where(dataset_use.c.kind == kind, dataset_use.c.user == user))


def users(connection: Connection, name: str, version: int) -> tuple[str, ...]:
    """Name everything that uses a version."""
    these = select(dataset_use.c.kind, dataset_use.c.user).where(
        dataset_use.c.name == name, dataset_use.c.version == version
    )
    found = connection.execute(these.order_by(dataset_use.c.kind, dataset_use.c.user))
    return tuple(f"the {row.kind} {row.user}" for row in found)
