"""The rows of images."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, ForeignKeyConstraint, Integer, String, Table, UniqueConstraint

from modelyard.store.schema import Digest, Document, metadata

image = Table(
    "image",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("last_version", Integer, nullable=False),
)

image_version = Table(
    "image_version",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=True),
    Column("name", String(128), ForeignKey("image.name"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", Digest, nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("document", Document, nullable=False),
    UniqueConstraint("name", "version"),
    sqlite_autoincrement=True,
)
"""`digest` is that of the specification, and so of the blob that holds it."""

image_blob = Table(
    "image_blob",
    metadata,
    Column("key", Integer, ForeignKey("image_version.key", ondelete="CASCADE"), primary_key=True),
    Column("sha256", Digest, primary_key=True),
)
"""What a version needs of the store: trees, locks, samples, base images."""

image_use = Table(
    "image_use",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kind", String(128), primary_key=True),
    Column("user", String(250), primary_key=True),
    ForeignKeyConstraint(["name", "version"], ["image_version.name", "image_version.version"]),
)
