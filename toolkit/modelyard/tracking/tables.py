"""The tables of experiments, runs, their metrics and their files.

Rows refer to runs by a number (`key`), which keeps the indexes small; people and other rooms use the text `id`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from modelyard.store.schema import Digest, Document, metadata

experiment = Table(
    "experiment",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("last_number", Integer, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", String(160), nullable=False, unique=True),
    Column("experiment", Integer, ForeignKey("experiment.key"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("parent", Integer, ForeignKey("run.key"), index=True),
    Column("type", String(128), nullable=False),
    Column("status", String(16), nullable=False),
    Column("heartbeat", Float),
    Column("last_heartbeat", Float),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Column("document", Document, nullable=False),
    Index("ix_run_experiment_key", "experiment", "key"),
    Index("ix_run_status", "status"),
)

run_label = Table(
    "run_label",
    metadata,
    Column("run", Integer, ForeignKey("run.key"), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("label", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_run_label_kind_label_run", "kind", "label", "run"),
)
"""The tags (`kind` is ``tag``) and properties (``property``) that runs are found by; their documents hold them too."""

run_digest = Table(
    "run_digest",
    metadata,
    Column("run", Integer, ForeignKey("run.key"), primary_key=True),
    Column("role", String(250), primary_key=True),
    Column("sha256", Digest, nullable=False),
)

metric_latest = Table(
    "metric_latest",
    metadata,
    Column("experiment", Integer, primary_key=True, autoincrement=False),
    Column("name", String(250), primary_key=True),
    Column("run", Integer, ForeignKey("run.key"), primary_key=True, index=True),
    Column("count", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("number", Float),
    Column("document", Document),
    sqlite_with_rowid=False,
)
"""The last value of each metric: `number` orders runs, `document` is its JSON where a float does not say it all.

Its order puts the values that runs are compared by side by side, and no index has `number`, which every value that is
logged changes: such an index would double the time that logging takes.
"""

metric = Table(
    "metric",
    metadata,
    Column("run", Integer, ForeignKey("run.key"), primary_key=True),
    Column("name", String(250), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("number", Float),
    Column("document", Document),
    Column("step", BigInteger),
    Column("time", Float, nullable=False),
    Column("description", Text),
    Column("blob", Digest),
    sqlite_with_rowid=False,
)
"""Every value that was logged: `position` counts those of one name, from 1."""

run_file = Table(
    "run_file",
    metadata,
    Column("run", Integer, ForeignKey("run.key"), primary_key=True),
    Column("path", String(4000), primary_key=True),
    Column("sha256", Digest, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created", Float, nullable=False),
)
