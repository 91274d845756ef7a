"""Experiments, runs, their metrics and files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    _experiments_and_runs()
    _of_runs()
    _metrics()


def _experiments_and_runs() -> None:
    op.create_table(
        "experiment",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("last_number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_experiment"),
        sa.UniqueConstraint("name", name="uq_experiment_name"),
    )
    op.create_table(
        "run",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("id", sa.String(160), nullable=False),
        sa.Column("experiment", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("parent", sa.Integer),
        sa.Column("type", sa.String(128), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("heartbeat", sa.Float),
        sa.Column("last_heartbeat", sa.Float),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("started", sa.Float),
        sa.Column("ended", sa.Float),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_run"),
        sa.UniqueConstraint("id", name="uq_run_id"),
        sa.ForeignKeyConstraint(["experiment"], ["experiment.key"], name="fk_run_experiment"),
        sa.ForeignKeyConstraint(["parent"], ["run.key"], name="fk_run_parent"),
    )
    op.create_index("ix_run_parent", "run", ["parent"])
    op.create_index("ix_run_experiment_key", "run", ["experiment", "key"])
    op.create_index("ix_run_status", "run", ["status"])


def _of_runs() -> None:
    op.create_table(
        "run_label",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("label", sa.String(250), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run", "kind", "label", name="pk_run_label"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_run_label_run"),
    )
    op.create_index("ix_run_label_kind_label_run", "run_label", ["kind", "label", "run"])
    op.create_table(
        "run_digest",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("role", sa.String(250), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("run", "role", name="pk_run_digest"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_run_digest_run"),
    )
    op.create_table(
        "run_file",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("path", sa.String(4000), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("run", "path", name="pk_run_file"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_run_file_run"),
    )


def _metrics() -> None:
    op.create_table(
        "metric_latest",
        sa.Column("experiment", sa.Integer, nullable=False),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("number", sa.Float),
        sa.Column("document", sa.LargeBinary),
        sa.PrimaryKeyConstraint("experiment", "name", "run", name="pk_metric_latest"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_metric_latest_run"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_metric_latest_run", "metric_latest", ["run"])
    op.create_table(
        "metric",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("name", sa.String(250), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("number", sa.Float),
        sa.Column("document", sa.LargeBinary),
        sa.Column("step", sa.BigInteger),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("blob", sa.String(64)),
        sa.PrimaryKeyConstraint("run", "name", "position", name="pk_metric"),
        sa.ForeignKeyConstraint(["run"], ["run.key"], name="fk_metric_run"),
        sqlite_with_rowid=False,
    )
