"""Compute targets, with the one that every workspace begins with."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply."""
    compute = op.create_table(
        "compute",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("modified", sa.Float, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("running", sa.Integer, nullable=False),
        sa.Column("waiting", sa.Integer, nullable=False),
        sa.Column("nodes", sa.Integer, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_compute"),
    )
    now, use = time.time(), {"running": 0, "waiting": 0, "nodes": 0}
    local = {"name": "local", "document": b'{"type":"Local"}', "created": now, "modified": now, "changed": now}
    op.bulk_insert(compute, [local | use])
