"""The tables of datastores, of the files that a workspace keeps in some of them, and of data sets."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

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

dataset = Table(
    "dataset",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("last_version", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("document", Document, nullable=False),
)
"""One row a name: `last_version` is the highest number ever given; the document has the description and the tags."""

dataset_version = Table(
    "dataset_version",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=True),
    Column("name", String(128), ForeignKey("dataset.name"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("content", Digest, nullable=False),
    Column("profile", Digest),
    Column("datastore", String(128), index=True),
    Column("created", Float, nullable=False),
    Column("document", Document, nullable=False),
    UniqueConstraint("name", "version"),
    sqlite_autoincrement=True,
)
"""`digest` is that of the files' tree; `content` names the blob that lists them: the tree, which keeps the files from
garbage collection, or for a reference a `Listing`, whose files are elsewhere."""

dataset_use = Table(
    "dataset_use",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kind", String(128), primary_key=True),
    Column("user", String(250), primary_key=True),
    ForeignKeyConstraint(["name", "version"], ["dataset_version.name", "dataset_version.version"]),
)
