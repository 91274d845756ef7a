"""Published pipelines, and endpoints with versions of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "published_pipeline",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("graph", sa.String(64), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_published_pipeline"),
        sa.UniqueConstraint("id", name="uq_published_pipeline_id"),
    )
    op.create_index("ix_published_pipeline_name", "published_pipeline", ["name"])
    op.create_table(
        "published_digest",
        sa.Column("pipeline", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("role", sa.String(250), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "role", name="pk_published_digest"),
        sa.ForeignKeyConstraint(["pipeline"], ["published_pipeline.key"], name="fk_published_digest_pipeline"),
    )
    op.create_table(
        "pipeline_endpoint",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("default_version", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_pipeline_endpoint"),
        sa.UniqueConstraint("name", name="uq_pipeline_endpoint_name"),
    )
    op.create_table(
        "pipeline_endpoint_version",
        sa.Column("endpoint", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("pipeline", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "number", name="pk_pipeline_endpoint_version"),
        sa.ForeignKeyConstraint(["endpoint"], ["pipeline_endpoint.key"], name="fk_pipeline_endpoint_version_endpoint"),
        sa.ForeignKeyConstraint(["pipeline"], ["published_pipeline.id"], name="fk_pipeline_endpoint_version_pipeline"),
    )
