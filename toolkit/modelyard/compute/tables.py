"""The table of compute targets."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, String, Table

from modelyard.store.schema import Document, metadata

compute = Table(
    "compute",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
    Column("document", Document, nullable=False),
    Column("running", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("nodes", Integer, nullable=False),
    Column("changed", Float, nullable=False),
)
"""`running` to `changed` are a `pool.Use`."""
