"""Services, their revisions and rollouts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "service",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("tags", sa.LargeBinary, nullable=False),
        sa.Column("settings", sa.LargeBinary, nullable=False),
        sa.Column("wanted", sa.String(16), nullable=False),
        sa.Column("wishes", sa.Integer, nullable=False),
        sa.Column("settled", sa.Integer, nullable=False),
        sa.Column("machine", sa.String(250), nullable=False),
        sa.Column("standing", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_service"),
    )
    op.create_table(
        "service_revision",
        sa.Column("service", sa.String(128), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("service", "number", name="pk_service_revision"),
        sa.ForeignKeyConstraint(["service"], ["service.name"], name="fk_service_revision_service", ondelete="CASCADE"),
    )
    op.create_table(
        "service_rollout",
        sa.Column("service", sa.String(128), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked", sa.String(16)),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("service", "number", name="pk_service_rollout"),
        sa.ForeignKeyConstraint(["service"], ["service.name"], name="fk_service_rollout_service", ondelete="CASCADE"),
    )
