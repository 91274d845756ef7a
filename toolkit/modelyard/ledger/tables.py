"""The rows of the ledger."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table

from modelyard.store.schema import Document, metadata

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", String(250), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("document", Document, nullable=False),
    Column("digest", String(64), nullable=False),
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)
"""One row, made with the table: the last entry, and what those who append wait for."""
