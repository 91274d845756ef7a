"""Datastores, the two that every workspace begins with among them, and the files that some keep in the workspace."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply."""
    path = sa.String(1024).with_variant(sa.String(1024, collation="C"), "postgresql")
    datastore = op.create_table(
        "datastore",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_datastore"),
        sa.UniqueConstraint("name", name="uq_datastore_name"),
    )
    default = op.create_table(
        "datastore_default",
        sa.Column("key", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_datastore_default"),
        sa.ForeignKeyConstraint(["name"], ["datastore.name"], name="fk_datastore_default_name"),
    )
    op.create_table(
        "datastore_file",
        sa.Column("datastore", sa.Integer, nullable=False),
        sa.Column("path", path, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("executable", sa.Boolean, nullable=False),
        sa.Column("modified", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("datastore", "path", name="pk_datastore_file"),
        sa.ForeignKeyConstraint(["datastore"], ["datastore.key"], name="fk_datastore_file_datastore"),
    )
    now, document = time.time(), b'{"kind":{"type":"workspace"}}'
    names = ("workspaceblobstore", "workspacefilestore")
    op.bulk_insert(datastore, [{"name": name, "created": now, "document": document} for name in names])
    op.bulk_insert(default, [{"key": 1, "name": names[0]}])
