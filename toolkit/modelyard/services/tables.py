"""The rows of services.

What a user wants and what the runner has brought about are columns of their own, so that neither writes over the other.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, String, Table

from modelyard.store.schema import Document, metadata

service = Table(
    "service",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("created", Float, nullable=False),
    Column("tags", Document, nullable=False),
    Column("settings", Document, nullable=False),
    Column("wanted", String(16), nullable=False),
    Column("wishes", Integer, nullable=False),  # how often users have asked for something
    Column("settled", Integer, nullable=False),  # up to which of these nothing is left to do
    Column("machine", String(250), nullable=False),
    Column("standing", Document, nullable=False),
)

service_revision = Table(
    "service_revision",
    metadata,
    Column("service", String(128), ForeignKey("service.name", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("document", Document, nullable=False),
)

service_rollout = Table(
    "service_rollout",
    metadata,
    Column("service", String(128), ForeignKey("service.name", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("asked", String(16)),
    Column("document", Document, nullable=False),
)
