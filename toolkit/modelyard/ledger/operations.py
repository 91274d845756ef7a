"""What can be done with the ledger: it is read, and other rooms append to it; nothing changes or deletes an entry."""

from __future__ import annotations

import datetime as dt

from msgspec import structs
from sqlalchemy import Connection, insert, select, update

from modelyard.errors import InvalidValueError
from modelyard.ledger import chain
from modelyard.ledger.chain import Head, Link
from modelyard.ledger.entry import LedgerEntry, LedgerPage, LedgerQuery, NewEntry, Verification, VerifyQuery
from modelyard.ledger.errors import LedgerDamagedError
from modelyard.ledger.tables import ledger_entry, ledger_head
from modelyard.names import check_label
from modelyard.operation import operation
from modelyard.paging import check_limit, read_cursor
from modelyard.store.blobs import check_digest
from modelyard.store.database import Database
from modelyard.store.store import Store

_AT_A_TIME = 500
"""Entries that are in memory while all are looked at."""


class Ledger:
    """What can be asked of the ledger."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("GET /ledger")
    def list(self, query: LedgerQuery) -> LedgerPage:
        """List what happened, the newest first.

        Raises
        ------
        InvalidValueError
            If `until` has no time zone.
        LedgerDamagedError
            If an entry was changed so that it cannot be read.
        """
        check_limit(query.limit)
        columns, wanted = ledger_entry.c, select(ledger_entry).order_by(ledger_entry.c.number.desc())
        if query.subject is not None:
            wanted = wanted.where(columns.subject == query.subject)
        if query.until is not None:
            if query.until.tzinfo is None:
                raise InvalidValueError(f"until {query.until.isoformat()}", "give the time zone too, such as Z")
            wanted = wanted.where(columns.at <= query.until.timestamp())
        if query.cursor is not None:
            wanted = wanted.where(columns.number < read_cursor(query.cursor))
        with self._store.database.read() as connection:
            rows = connection.execute(wanted.limit(query.limit + 1)).mappings().all()
        found = tuple(Link(**row).entry for row in rows[: query.limit])
        return LedgerPage(items=found, cursor=str(found[-1].number) if len(rows) > query.limit else None)

    @operation("GET /ledger/verification")
    def verify(self, query: VerifyQuery) -> Verification:
        """Look whether every entry is there and as it was written; nobody appends meanwhile.

        Raises
        ------
        InvalidValueError
            If `head` is not a sha256.
        """
        kept = None if query.head is None else check_digest(query.head)
        entries = select(ledger_entry).order_by(ledger_entry.c.number).execution_options(yield_per=_AT_A_TIME)
        with self._store.database.read() as connection:
            head = _head(connection, reads=True)
            with connection.execute(entries).mappings() as rows:
                return chain.verify((Link(**row) for row in rows), head, kept)


def append(database: Database, new: NewEntry, at: dt.datetime) -> LedgerEntry:
    """Write down what happens in the open transaction, which joins it: there is no entry of what was not done.

    Call it late in the transaction: until that ends, whoever else appends waits.

    Raises
    ------
    InvalidValueError
        If `by`, `subject` or `action` is empty, longer than 250 characters, or holds control characters.
    LedgerDamagedError
        If the ledger's note of its last entry is gone.
    """
    for name in ("by", "subject", "action"):
        check_label(name, getattr(new, name))
    with database.write() as connection:
        head = _head(connection)
        if head is None:
            raise LedgerDamagedError("its note of its last entry is gone, so that nothing can follow")
        added = chain.link(new, at, head)
        connection.execute(insert(ledger_entry).values(structs.asdict(added)))
        connection.execute(
            update(ledger_head).where(ledger_head.c.key == 1).values(number=added.number, digest=added.digest)
        )
    return added.entry


def _head(connection: Connection, *, reads: bool = False) -> Head | None:
    """Read the last entry's number and digest, and let nobody append until the transaction ends."""
    # SQLite has one writer at a time, and a reader sees one state; on PostgreSQL the row's lock does both
    noted = select(ledger_head.c.number, ledger_head.c.digest).where(ledger_head.c.key == 1)
    row = connection.execute(noted.with_for_update(read=reads)).mappings().first()
    return None if row is None else Head(**row)
