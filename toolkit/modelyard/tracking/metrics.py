"""What can be done with metrics.

Logging is the call that training loops make most. It is two prepared statements on the database's own driver, in one
transaction: the last value of the name, which also counts them, and the value itself.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from typing import Any

import msgspec
from sqlalchemy import select

from modelyard.errors import InvalidValueError
from modelyard.names import check_label
from modelyard.operation import Page, operation
from modelyard.store.blobs import check_digest
from modelyard.store.references import refer
from modelyard.store.store import Store
from modelyard.tracking.metric import MAX_VALUE, Metric, MetricBatch, MetricQuery, NewMetric
from modelyard.tracking.rows import find_key
from modelyard.tracking.tables import metric

_LATEST = """
INSERT INTO metric_latest (experiment, name, run, count, kind, number, document)
SELECT experiment, :name, key, 1, :kind, :number, :document FROM run WHERE id = :run
ON CONFLICT (experiment, name, run) DO UPDATE SET
    count = metric_latest.count + 1, kind = excluded.kind, number = excluded.number, document = excluded.document
"""
_VALUE = """
INSERT INTO metric (run, name, position, kind, number, document, step, time, description, blob)
SELECT run.key, latest.name, latest.count, :kind, :number, :document, :step, :time, :description, :blob
FROM run JOIN metric_latest latest
ON latest.experiment = run.experiment AND latest.name = :name AND latest.run = run.key
WHERE run.id = :run
"""
_INTEGERS = 1 << 63
"""Integers from minus this up to below this can be steps."""

_encode = msgspec.json.Encoder().encode


class Metrics:
    """What can be done with metrics: they are logged, and read; nothing changes or removes one."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._blobs = store.blobs

    @operation("POST /runs/{run_id}/metrics", synced=False)
    def log(self, run_id: str, batch: MetricBatch) -> None:
        """Log values; when this returns, they are there even if the process is killed.

        Raises
        ------
        NotFoundError
            If there is no such run; nothing is logged then.
        InvalidValueError
            If a name or a value is not one; nothing is logged then.
        MissingBlobError
            If the bytes of an image are not kept; nothing is logged then.
        """
        now = time.time()
        rows = [_row(run_id, new, now) for new in batch.metrics]
        images = [row["blob"] for row in rows if row["blob"] is not None]
        with self._database.append() as execute:
            refer(self._database, self._blobs, images)
            for row in rows:
                execute(_LATEST, row)
                if execute(_VALUE, row).rowcount != 1:
                    with self._database.read() as connection:
                        find_key(connection, run_id)

    @operation("GET /runs/{run_id}/metrics")
    def list(self, run_id: str, query: MetricQuery) -> Page[Metric]:
        """Read logged values, by name, and of one name in the order in which they were logged.

        Raises
        ------
        NotFoundError
            If there is no such run.
        """
        if not 1 <= query.limit <= 10_000:
            raise InvalidValueError("limit", f"1 to 10000, not {query.limit}")
        with self._database.read() as connection:
            statement = select(metric).where(metric.c.run == find_key(connection, run_id))
            if query.name is not None:
                statement = statement.where(metric.c.name == query.name)
            if query.cursor is not None:
                position, _, name = query.cursor.partition(":")
                after = (metric.c.name == name) & (metric.c.position > _position(position))
                statement = statement.where(after | (metric.c.name > name))
            statement = statement.order_by(metric.c.name, metric.c.position).limit(query.limit + 1)
            found = [_metric(row) for row in connection.execute(statement)]
        more = len(found) > query.limit
        found = found[: query.limit]
        return Page(items=tuple(found), cursor=f"{found[-1].position}:{found[-1].name}" if more else None)


def _row(run_id: str, new: NewMetric, now: float) -> dict[str, Any]:
    number, document = _kept(new)
    if new.step is not None and not -_INTEGERS <= new.step < _INTEGERS:
        raise InvalidValueError(f"step {new.step}", "a step has 64 bits")
    return {
        "run": run_id,
        "name": check_label("metric", new.name),
        "kind": new.kind,
        "number": number,
        "document": document,
        "step": new.step,
        "time": now if new.time is None else new.time.timestamp(),
        "description": new.description or None,
        "blob": None if new.blob is None else check_digest(new.blob),
    }


def _kept(new: NewMetric) -> tuple[float | None, bytes | None]:
    """Say the number to order by, and the JSON of what a float does not say."""
    value = new.value
    if type(value) is float and new.kind == "scalar":
        return (value, None) if value and math.isfinite(value) else _special(value)
    document = _encode(value)
    if len(document) > MAX_VALUE:
        raise InvalidValueError(f"metric {new.name!r}", f"a value may have {MAX_VALUE:,} bytes as JSON; upload a file")
    if new.kind != "scalar":
        return None, document
    if isinstance(value, str):
        return {"Infinity": math.inf, "-Infinity": -math.inf}.get(value), document
    if not isinstance(value, int):
        raise InvalidValueError(f"metric {new.name!r}", f"a scalar is a number or a text, not {type(value).__name__}")
    return _as_float(value), document


def _special(value: float) -> tuple[float | None, bytes | None]:
    """Keep what a column of numbers does not: SQLite makes NaN NULL and -0.0 0."""
    if math.isnan(value):
        return None, b'"NaN"'
    if math.isinf(value):
        return value, b'"Infinity"' if value > 0 else b'"-Infinity"'
    return value, b"-0.0" if math.copysign(1, value) < 0 else None


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _metric(row: Any) -> Metric:
    return Metric(
        name=row.name,
        kind=row.kind,
        value=row.number if row.document is None else msgspec.json.decode(row.document),
        position=row.position,
        time=dt.datetime.fromtimestamp(row.time, dt.UTC),
        step=row.step,
        description=row.description or "",
        blob=row.blob,
    )


def _position(text: str) -> int:
    if not text.isdecimal():
        raise InvalidValueError(f"cursor {text!r}", "give the one that the page before came with")
    return int(text)
