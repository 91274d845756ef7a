"""The rows of runs of pipelines, of their steps, of what steps have written, and of pipelines that are published."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table

from modelyard.store.schema import Digest, Document, metadata

pipeline_run = Table(
    "pipeline_run",
    metadata,
    Column("run", Integer, ForeignKey("run.key"), primary_key=True, autoincrement=False),
    Column("id", String(160), nullable=False, unique=True),
    Column("graph", Digest, nullable=False),
    Column("options", Document, nullable=False),
    Column("machine", String(250), nullable=False),  # which brings it about; empty for none yet
    Column("is_open", Boolean, nullable=False),
    Index("ix_pipeline_run_is_open", "is_open", "machine"),
)

pipeline_step = Table(
    "pipeline_step",
    metadata,
    Column("run", Integer, ForeignKey("pipeline_run.run"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("compute", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("document", Document, nullable=False),
    Index("ix_pipeline_step_state_compute", "state", "compute"),
)

step_cache = Table(
    "step_cache",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("run", String(160), nullable=False),
    Column("created", Float, nullable=False),
    Column("outputs", Document, nullable=False),
)
"""The blobs of the outputs are named by the run that wrote them (`run_digest`), which keeps them."""

published_pipeline = Table(
    "published_pipeline",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("name", String(250), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("graph", Digest, nullable=False),
    Column("created", Float, nullable=False),
    Column("document", Document, nullable=False),
)

published_digest = Table(
    "published_digest",
    metadata,
    Column("pipeline", Integer, ForeignKey("published_pipeline.key"), primary_key=True, autoincrement=False),
    Column("role", String(250), primary_key=True),
    Column("sha256", Digest, nullable=False),
)
"""What the graph names, which is in a blob where garbage collection does not look."""

pipeline_endpoint = Table(
    "pipeline_endpoint",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("status", String(16), nullable=False),
    Column("default_version", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("document", Document, nullable=False),
)

pipeline_endpoint_version = Table(
    "pipeline_endpoint_version",
    metadata,
    Column("endpoint", Integer, ForeignKey("pipeline_endpoint.key"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("pipeline", String(36), ForeignKey("published_pipeline.id"), nullable=False),
)
