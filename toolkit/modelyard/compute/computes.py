"""What can be done with the compute targets of a workspace."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from modelyard.compute import pool
from modelyard.compute.pool import LOCAL, ComputeInfo, ComputeQuery, NewCompute, Use
from modelyard.compute.tables import compute
from modelyard.errors import AlreadyExistsError, InUseError, NotFoundError, StateError
from modelyard.names import check_name
from modelyard.operation import Page, operation
from modelyard.paging import check_limit
from modelyard.store.store import Store


class Computes:
    """What can be done with compute targets: a name for where jobs run, and how many at a time."""

    def __init__(self, store: Store) -> None:
        self._database = store.database

    @operation("PUT /computes/{name}")
    def create(self, name: str, new: NewCompute) -> ComputeInfo:
        """Create a compute target, or return the one of that name if it is just like it.

        Raises
        ------
        InvalidNameError
            If the name breaks the rule for names.
        AlreadyExistsError
            If there is another of that name, and `new` does not ask to replace it.
        StateError
            If it is the one that every workspace has.
        InvalidValueError
            If there can be none like that.
        """
        check_name("a compute target", name)
        _check_not_local(name, "be created anew")
        new.check()
        now, kept = time.time(), msgspec.structs.replace(new, replace=False)
        with self._database.write() as connection:
            row = _row(connection, name)
            if row is None:
                values = {"name": name, "created": now, "modified": now, "document": msgspec.json.encode(kept)}
                use = {"running": 0, "waiting": 0, "nodes": new.min_nodes, "changed": now}
                connection.execute(self._database.insert(compute).values(values | use))
            elif _wanted(row) != kept:
                if not new.replace:
                    raise AlreadyExistsError("compute target", name, "Take that one, another name, or update it.")
                changed = {"modified": now, "document": msgspec.json.encode(kept)}
                connection.execute(update(compute).where(compute.c.name == name).values(changed))
            return self.get(name)

    @operation("GET /computes/{name}")
    def get(self, name: str) -> ComputeInfo:
        """Read a compute target, and how many nodes it has now.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self._database.read() as connection:
            return find_compute_target(connection, name)

    @operation("GET /computes")
    def list(self, query: ComputeQuery) -> Page[ComputeInfo]:
        """List compute targets by name."""
        limit = check_limit(query.limit)
        statement = select(compute).where(compute.c.name > (query.cursor or "")).order_by(compute.c.name)
        with self._database.read() as connection:
            rows = connection.execute(statement.limit(limit + 1)).mappings().all()
        cursor = rows[limit - 1]["name"] if len(rows) > limit else None
        return Page(items=tuple(_info(row) for row in rows[:limit]), cursor=cursor)

    @operation("DELETE /computes/{name}")
    def delete(self, name: str) -> None:
        """Delete a compute target.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        StateError
            If it is the one that every workspace has.
        InUseError
            If jobs run on it or wait for it.
        """
        with self._database.write() as connection:
            use = find_compute_target(connection, name).use
            _check_not_local(name, "be deleted")
            if use.running or use.waiting:
                jobs = f"{use.running} jobs that run and {use.waiting} that wait"
                raise InUseError("compute target", name, [jobs])
            connection.execute(delete(compute).where(compute.c.name == name))


def find_compute_target(connection: Connection, name: str) -> ComputeInfo:
    """Read a compute target.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """
    if (row := _row(connection, name)) is None:
        known = connection.execute(select(compute.c.name).order_by(compute.c.name).limit(1000)).scalars()
        raise NotFoundError("compute target", name, known.all())
    return _info(row)


def note_use(connection: Connection, name: str, running: int, waiting: int) -> None:
    """Note how many jobs run on a compute target and wait for it; whoever claims and frees its slots says so.

    Does nothing if it was deleted.
    """
    if (row := _row(connection, name)) is None:
        return
    now = time.time()
    use = pool.used(_wanted(row), _use(row), running, waiting, _time(now))
    values = {"running": running, "waiting": waiting, "nodes": use.nodes, "changed": now}
    connection.execute(update(compute).where(compute.c.name == name).values(values))


def _row(connection: Connection, name: str) -> Any:
    return connection.execute(select(compute).where(compute.c.name == name)).mappings().first()


def _wanted(row: Any) -> NewCompute:
    return msgspec.json.decode(row["document"], type=NewCompute)


def _use(row: Any) -> Use:
    counts = {name: row[name] for name in ("running", "waiting", "nodes")}
    return Use(**counts, changed=_time(row["changed"]))


def _info(row: Any) -> ComputeInfo:
    wanted, use = _wanted(row), _use(row)
    given = msgspec.structs.asdict(wanted)
    del given["replace"]
    return ComputeInfo(
        name=row["name"],
        **given,
        created=_time(row["created"]),
        modified=_time(row["modified"]),
        use=use,
        nodes=pool.nodes(wanted, use, dt.datetime.now(dt.UTC)),
    )


def _time(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _check_not_local(name: str, asked: str) -> None:
    if name == LOCAL:
        raise StateError(f"The compute target {name!r}", "one that every workspace has", asked)
