"""The tables of environments, their versions, private wheels and locks."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, ForeignKeyConstraint, Integer, String, Table

from modelyard.store.schema import Digest, Document, metadata

environment = Table(
    "environment",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("last_version", Integer, nullable=False),
)

environment_version = Table(
    "environment_version",
    metadata,
    Column("name", String(128), ForeignKey("environment.name"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Column("document", Document, nullable=False),
)

environment_wheel = Table(
    "environment_wheel",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("sha256", Digest, primary_key=True),
    ForeignKeyConstraint(["name", "version"], ["environment_version.name", "environment_version.version"]),
)

environment_lock = Table(
    "environment_lock",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("platform", String(64), primary_key=True),
    Column("sha256", Digest, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created", Float, nullable=False),
    ForeignKeyConstraint(["name", "version"], ["environment_version.name", "environment_version.version"]),
)
