"""The tables of datastores, and of the files that a workspace keeps in some of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Integer, String, Table

from modelyard.store.schema import Digest, Document, metadata

PATH = String(1024).with_variant(String(1024, collation="C"), "postgresql")
"""A path, ordered by its bytes in every database: all paths below a folder stand together."""

datastore = Table(
    "datastore",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("created", Float, nullable=False),
    Column("document", Document, nullable=False),
)

datastore_default = Table(
    "datastore_default",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("name", String(128), ForeignKey("datastore.name"), nullable=False),
)
"""One row, with the key 1."""

datastore_file = Table(
    "datastore_file",
    metadata,
    Column("datastore", Integer, ForeignKey("datastore.key"), primary_key=True),
    Column("path", PATH, primary_key=True),
    Column("sha256", Digest, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("executable", Boolean, nullable=False),
    Column("modified", Float, nullable=False),
)
