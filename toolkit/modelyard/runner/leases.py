"""Leases: who may bring a thing about, one at a time, with a token that tells the newest holder from all before.

Why two can never both write is argued in ``docs/explanation/runner.md``.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table, Text, select, update

from modelyard.errors import InvalidValueError
from modelyard.names import check_label
from modelyard.operation import operation
from modelyard.paging import check_limit
from modelyard.runner.errors import LeaseHeldError, LeaseLostError
from modelyard.runner.lease import (
    AcquireLease,
    LeaseInfo,
    LeasePage,
    LeaseQuery,
    ReleaseLease,
    RenewLease,
    check_key,
)
from modelyard.store.database import Database
from modelyard.store.schema import metadata
from modelyard.store.store import Store

lease = Table(
    "lease",
    metadata,
    Column("key", String(257), primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("holder", String(250)),
    Column("ttl", Float, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("reason", Text, nullable=False),
)

_LONGEST = 3600.0
"""The most seconds that the dead may keep a lease."""
_REASON = 2000
"""Characters that are kept of why something failed."""


class Leases:
    """What can be done with leases.

    A row is never deleted, so that the tokens of a key go on growing.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("PUT /leases/{key}")
    def acquire(self, key: str, wanted: AcquireLease) -> LeaseInfo:
        """Take a lease that is free, or one whose holder has given no sign of life since `wanted` has seen it.

        Whether that was long enough ago is for the caller to know, by a clock of its own.

        Raises
        ------
        LeaseHeldError
            If another holds it, or it has moved meanwhile.
        """
        check_key(key)
        check_label("holder", wanted.holder)
        if not 0 < wanted.ttl <= _LONGEST:
            raise InvalidValueError("ttl", f"seconds, above 0 and up to {_LONGEST:g}")
        database = self._store.database
        # whoever is stopped within a transaction keeps the row's lock on PostgreSQL: nobody is to wait for that
        unlocked = select(lease.c.key).where(lease.c.key == key).with_for_update(skip_locked=True)
        first = {"key": key, "token": 0, "beat": 0, "ttl": wanted.ttl, "failures": 0, "reason": ""}
        seen = (lease.c.token == wanted.token) & (lease.c.beat == wanted.beat)
        taken = update(lease).where(lease.c.key == key, lease.c.holder.is_(None) | seen)
        with database.write() as connection:
            connection.execute(database.insert(lease).values(first).on_conflict_do_nothing())
            is_unlocked = connection.execute(unlocked).first() is not None
            values = {"token": lease.c.token + 1, "beat": 0, "holder": wanted.holder, "ttl": wanted.ttl}
            changed = is_unlocked and connection.execute(taken.values(values)).rowcount
            found = _read(database, key)
        if not changed:
            raise LeaseHeldError(key, found.holder or "another", found.token, found.beat, found.ttl)
        return found

    @operation("PATCH /leases/{key}", synced=False)
    def renew(self, key: str, sign: RenewLease) -> LeaseInfo:
        """Give a sign of life, and say how the work goes if that is to be kept.

        Raises
        ------
        LeaseLostError
            If the token is not that of the newest holder.
        """
        check_key(key)
        values: dict[str, object] = {"beat": lease.c.beat + 1}
        if sign.reason is not None:
            values |= {"failures": lease.c.failures + 1 if sign.reason else 0, "reason": sign.reason[:_REASON]}
        with self._store.database.write(synced=False):
            self._change(key, sign.token, values)
            return _read(self._store.database, key)

    @operation("DELETE /leases/{key}")
    def release(self, key: str, ended: ReleaseLease) -> None:
        """Give a lease back, for whoever wants it next.

        Raises
        ------
        LeaseLostError
            If the token is not that of the newest holder.
        """
        check_key(key)
        with self._store.database.write():
            self._change(key, ended.token, {"holder": None})

    @operation("GET /leases")
    def list(self, query: LeaseQuery) -> LeasePage:
        """List the leases that are held, and those whose work has failed, by key."""
        check_limit(query.limit)
        told = lease.c.holder.is_not(None) | (lease.c.failures > 0)
        statement = select(lease).where(told, lease.c.key > (query.cursor or "")).order_by(lease.c.key)
        with self._store.database.read() as connection:
            rows = connection.execute(statement.limit(query.limit + 1)).mappings().all()
        found = tuple(LeaseInfo(**row) for row in rows[: query.limit])
        return LeasePage(items=found, cursor=found[-1].key if len(rows) > query.limit else None)

    def _change(self, key: str, token: int, values: dict[str, object]) -> None:
        held = (lease.c.key == key) & (lease.c.token == token) & lease.c.holder.is_not(None)
        with self._store.database.write() as connection:
            if not connection.execute(update(lease).where(held).values(values)).rowcount:
                raise LeaseLostError(key, token)


def fence(database: Database, key: str, token: int) -> None:
    """Pass if `token` is that of the newest holder, and until the open transaction ends let nobody else take the lease.

    Call it first in the transaction that writes under the lease.

    Raises
    ------
    LeaseLostError
        If another has taken the lease, or it was released.
    """
    connection = database.connection()
    if not connection.in_transaction():
        raise RuntimeError("a fence stands in the transaction that writes: open it first")
    held = select(lease.c.token).where(lease.c.key == key, lease.c.token == token, lease.c.holder.is_not(None))
    # SQLite has one writer at a time; on PostgreSQL the row is locked against the next taking
    with database.write():
        if connection.execute(held.with_for_update(read=True)).first() is None:
            raise LeaseLostError(key, token)


def _read(database: Database, key: str) -> LeaseInfo:
    with database.read() as connection:
        row = connection.execute(select(lease).where(lease.c.key == key)).mappings().one()
    return LeaseInfo(**row)
