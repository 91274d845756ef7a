"""The rows of runs of pipelines, of their steps, and of what steps have written."""

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
