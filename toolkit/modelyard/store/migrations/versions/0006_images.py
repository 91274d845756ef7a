"""Images, and what uses them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "image",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_image"),
    )
    op.create_table(
        "image_version",
        sa.Column("key", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_image_version"),
        sa.UniqueConstraint("name", "version", name="uq_image_version_name_version"),
        sa.ForeignKeyConstraint(["name"], ["image.name"], name="fk_image_version_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_image_version_digest", "image_version", ["digest"])
    op.create_table(
        "image_blob",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("key", "sha256", name="pk_image_blob"),
        sa.ForeignKeyConstraint(["key"], ["image_version.key"], name="fk_image_blob_key", ondelete="CASCADE"),
    )
    op.create_table(
        "image_use",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(128), nullable=False),
        sa.Column("user", sa.String(250), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", "kind", "user", name="pk_image_use"),
        sa.ForeignKeyConstraint(
            ["name", "version"], ["image_version.name", "image_version.version"], name="fk_image_use_name_version"
        ),
    )
