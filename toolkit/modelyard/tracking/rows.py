"""Runs as rows: how one is read, and how it is found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, or_, select

from modelyard.errors import NotFoundError
from modelyard.tracking.run import RunError, RunInfo
from modelyard.tracking.status import MISSED, ORDER, Status, as_read
from modelyard.tracking.tables import experiment, run

parent_run = run.alias("parent_run")
"""The run that a run is a child of."""


class RunDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a run as JSON: what nothing is searched by, or what other tables index."""

    display_name: str
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    digests: dict[str, str] = {}
    details: dict[str, Any] = {}
    error: RunError | None = None


decode_document = msgspec.json.Decoder(RunDocument).decode


def select_runs() -> Select[Any]:
    """Select what `run_info` reads."""
    columns = (run, experiment.c.name.label("experiment_name"), parent_run.c.id.label("parent_id"))
    tables = run.join(experiment, run.c.experiment == experiment.c.key)
    return select(*columns).select_from(tables.outerjoin(parent_run, run.c.parent == parent_run.c.key))


_BY_ID = select_runs().where(run.c.id == bindparam("run_id"))
_BY_ID_LOCKED = _BY_ID.with_for_update(of=run)


def find_run(connection: Connection, run_id: str, *, lock: bool = False) -> dict[str, Any]:
    """Read the row of a run.

    Parameters
    ----------
    lock
        Let nobody else change it until the transaction ends (SQLite has one writer at a time anyway).

    Raises
    ------
    NotFoundError
        If there is none of that id.
    """
    row = connection.execute(_BY_ID_LOCKED if lock else _BY_ID, {"run_id": run_id}).mappings().first()
    if row is None:
        recent = connection.execute(select(run.c.id).order_by(run.c.key.desc()).limit(100)).scalars().all()
        raise NotFoundError("run", run_id, recent)
    return dict(row)


def find_key(connection: Connection, run_id: str) -> int:
    """Read the number by which rows refer to a run.

    Raises
    ------
    NotFoundError
        If there is none of that id.
    """
    key = connection.execute(select(run.c.key).where(run.c.id == run_id)).scalar()
    return int(find_run(connection, run_id)["key"] if key is None else key)


def run_info(row: Mapping[Any, Any], now: float, metrics: dict[str, Any] | None = None) -> RunInfo:
    """Make the value of a row, as it reads at `now` (seconds, by the store's clock)."""
    document = decode_document(row["document"])
    return RunInfo(
        id=row["id"],
        number=row["number"],
        experiment=row["experiment_name"],
        display_name=document.display_name,
        type=row["type"],
        status=as_read(row["status"], row["heartbeat"], row["last_heartbeat"], now),
        parent=row["parent_id"],
        tags=document.tags,
        properties=document.properties,
        parameters=document.parameters,
        digests=document.digests,
        details=document.details,
        error=document.error,
        heartbeat=row["heartbeat"],
        created=dt.datetime.fromtimestamp(row["created"], dt.UTC),
        started=_time(row["started"]),
        ended=_time(row["ended"]),
        metrics=metrics or {},
    )


def reads_as(statuses: Sequence[Status], now: float) -> ColumnElement[bool]:
    """Choose the runs whose status reads as one of `statuses` at `now`."""
    missed = run.c.last_heartbeat < now - MISSED * run.c.heartbeat
    never = and_(run.c.last_heartbeat.is_(None), run.c.status == "Running")
    promised = and_(run.c.heartbeat.is_not(None), run.c.status.in_([*ORDER, "CancelRequested"]))
    silent = and_(promised, func.coalesce(missed, never))
    recorded = [status for status in statuses if status != "NotResponding"]
    choices: list[ColumnElement[bool]] = [and_(run.c.status.in_(recorded), ~silent)]
    if "NotResponding" in statuses:
        choices.append(silent)
    return or_(*choices)


def _time(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)
