"""Runs of pipelines, their steps, and what steps have written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pipeline_run",
        sa.Column("run", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(160), nullable=False),
        sa.Column("graph", sa.String(64), nullable=False),
        sa.Column("options", sa.LargeBinary, nullable=False),
        sa.Column("machine", sa.String(250), nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("run", name="pk_pipeline_run"),
        sa.UniqueConstraint("id", name="uq_pipeline_run_id"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_pipeline_run_run"),
    )
    op.create_index("ix_pipeline_run_is_open", "pipeline_run", ["is_open", "machine"])
    op.create_table(
        "pipeline_step",
        sa.Column("run", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("compute", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run", "position", name="pk_pipeline_step"),
        sa.ForeignKeyConstraint(["run"], ["pipeline_run.run"], name="fk_pipeline_step_run"),
    )
    op.create_index("ix_pipeline_step_state_compute", "pipeline_step", ["state", "compute"])
    op.create_table(
        "step_cache",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("run", sa.String(160), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("outputs", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_step_cache"),
    )
