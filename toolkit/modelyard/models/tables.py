"""The registry's rows."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, ForeignKeyConstraint, Integer, String, Table, Text, UniqueConstraint

from modelyard.store.schema import Digest, Document, metadata

model = Table(
    "model",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("last_version", Integer, nullable=False),
    Column("created", Float, nullable=False),
)
"""One row a name: `last_version` is the highest number ever given, so that the next one needs no look at the rest."""

model_version = Table(
    "model_version",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=True),
    Column("name", String(128), ForeignKey("model.name"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("tree", Digest, nullable=False),
    Column("sample", Digest),
    Column("certificate", Digest),
    Column("lock", Digest),
    Column("run_id", String(250), index=True),
    Column("framework", String(250)),
    Column("created", Float, nullable=False),
    Column("document", Document, nullable=False),
    UniqueConstraint("name", "version"),
    sqlite_autoincrement=True,
)

model_label = Table(
    "model_label",
    metadata,
    Column("key", Integer, ForeignKey("model_version.key", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("name", String(250), primary_key=True),
    Column("value", Text, nullable=False),
)
"""The tags and properties of versions once more, to find versions by them; `kind` is ``tag`` or ``property``."""

model_alias = Table(
    "model_alias",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("alias", String(128), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("moved", Float, nullable=False),
    ForeignKeyConstraint(["name", "version"], ["model_version.name", "model_version.version"]),
)

model_alias_move = Table(
    "model_alias_move",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=True),
    Column("name", String(128), ForeignKey("model.name"), nullable=False, index=True),
    Column("alias", String(128), nullable=False),
    Column("document", Document, nullable=False),
    sqlite_autoincrement=True,
)
"""Every move of every alias: rows are only ever added."""

model_use = Table(
    "model_use",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kind", String(128), primary_key=True),
    Column("user", String(250), primary_key=True),
    ForeignKeyConstraint(["name", "version"], ["model_version.name", "model_version.version"]),
)
