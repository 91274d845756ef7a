"""Models: names, versions, tags and properties, aliases with their moves, uses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    _versions()
    _aliases()
    op.create_table(
        "model_use",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(128), nullable=False),
        sa.Column("user", sa.String(250), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", "kind", "user", name="pk_model_use"),
        sa.ForeignKeyConstraint(
            ["name", "version"], ["model_version.name", "model_version.version"], name="fk_model_use_name_version"
        ),
    )


def _versions() -> None:
    op.create_table(
        "model",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_model"),
    )
    op.create_table(
        "model_version",
        sa.Column("key", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("tree", sa.String(64), nullable=False),
        sa.Column("sample", sa.String(64)),
        sa.Column("certificate", sa.String(64)),
        sa.Column("lock", sa.String(64)),
        sa.Column("run_id", sa.String(250)),
        sa.Column("framework", sa.String(250)),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_model_version"),
        sa.ForeignKeyConstraint(["name"], ["model.name"], name="fk_model_version_name"),
        sa.UniqueConstraint("name", "version", name="uq_model_version_name_version"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_model_version_run_id", "model_version", ["run_id"])
    op.create_table(
        "model_label",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", "kind", "name", name="pk_model_label"),
        sa.ForeignKeyConstraint(["key"], ["model_version.key"], name="fk_model_label_key", ondelete="CASCADE"),
    )


def _aliases() -> None:
    op.create_table(
        "model_alias",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("alias", sa.String(128), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("moved", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("name", "alias", name="pk_model_alias"),
        sa.ForeignKeyConstraint(
            ["name", "version"], ["model_version.name", "model_version.version"], name="fk_model_alias_name_version"
        ),
    )
    op.create_table(
        "model_alias_move",
        sa.Column("key", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("alias", sa.String(128), nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_model_alias_move"),
        sa.ForeignKeyConstraint(["name"], ["model.name"], name="fk_model_alias_move_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_model_alias_move_name", "model_alias_move", ["name"])
