"""Data sets, their versions, and what uses these."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "dataset",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_dataset"),
    )
    op.create_table(
        "dataset_version",
        sa.Column("key", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("profile", sa.String(64)),
        sa.Column("datastore", sa.String(128)),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_dataset_version"),
        sa.UniqueConstraint("name", "version", name="uq_dataset_version_name_version"),
        sa.ForeignKeyConstraint(["name"], ["dataset.name"], name="fk_dataset_version_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dataset_version_datastore", "dataset_version", ["datastore"])
    op.create_table(
        "dataset_use",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(128), nullable=False),
        sa.Column("user", sa.String(250), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", "kind", "user", name="pk_dataset_use"),
        sa.ForeignKeyConstraint(
            ["name", "version"],
            ["dataset_version.name", "dataset_version.version"],
            name="fk_dataset_use_name_version",
        ),
    )
