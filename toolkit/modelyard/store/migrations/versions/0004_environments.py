"""Registered environments: names, versions with their private wheels, and a lock for each platform."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "environment",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_environment"),
    )
    op.create_table(
        "environment_version",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_environment_version"),
        sa.ForeignKeyConstraint(["name"], ["environment.name"], name="fk_environment_version_name"),
    )
    op.create_table(
        "environment_wheel",
        *_of_version("environment_wheel"),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", "sha256", name="pk_environment_wheel"),
    )
    op.create_table(
        "environment_lock",
        *_of_version("environment_lock"),
        sa.Column("platform", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("name", "version", "platform", name="pk_environment_lock"),
    )


def _of_version(table: str) -> tuple[sa.Column[str], sa.Column[int], sa.ForeignKeyConstraint]:
    return (
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["name", "version"],
            ["environment_version.name", "environment_version.version"],
            name=f"fk_{table}_name_version",
        ),
    )
