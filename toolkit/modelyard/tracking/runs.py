"""What can be done with runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, update

from modelyard.errors import InvalidValueError, NotFoundError, StateError
from modelyard.names import check_label
from modelyard.operation import Page, operation
from modelyard.store.blobs import check_digest
from modelyard.store.references import refer
from modelyard.store.store import Store
from modelyard.tracking.experiments import Experiments
from modelyard.tracking.listing import Listing
from modelyard.tracking.rows import RunDocument, decode_document, find_key, find_run, run_info
from modelyard.tracking.run import NewRun, RunChange, RunInfo, RunQuery, StatusChange, check_labels
from modelyard.tracking.status import FINAL, ORDER, check_change
from modelyard.tracking.tables import experiment, run, run_digest, run_label

_NEXT_NUMBER = (
    update(experiment)
    .where(experiment.c.name == bindparam("experiment"))
    .values(last_number=experiment.c.last_number + 1)
    .returning(experiment.c.key, experiment.c.last_number)
)
_INSERT = insert(run).returning(run.c.key)


class Runs:
    """What can be done with runs."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._blobs = store.blobs
        self._experiments = Experiments(store)

    @operation("POST /experiments/{name}/runs", synced=False)
    def create(self, name: str, new: NewRun) -> RunInfo:
        """Make a run of the experiment `name`; numbers count up from 1 without a gap.

        Raises
        ------
        NotFoundError
            If there is no such experiment, or no such parent.
        InvalidValueError
            If it would begin in a status that is an end, or a tag, property or parameter is not one.
        """
        _check_new(new)
        now = time.time()
        with self._database.write(synced=False) as connection:
            taken = connection.execute(_NEXT_NUMBER, {"experiment": name}).first()
            if taken is None:
                self._experiments.get(name)
                raise NotFoundError("experiment", name)
            run_id = f"{name}_{taken.last_number}"
            running = new.status == "Running"
            row = {
                "id": run_id,
                "experiment": taken.key,
                "number": taken.last_number,
                "parent": None if new.parent is None else find_key(connection, new.parent),
                "type": new.type,
                "status": new.status,
                "heartbeat": new.heartbeat,
                "last_heartbeat": now if running else None,
                "created": now,
                "started": now if running else None,
                "document": msgspec.json.encode(_first_document(run_id, new)),
            }
            key = connection.execute(_INSERT, row).scalar_one()
            self._index(connection, key, "tag", new.tags)
            self._index(connection, key, "property", new.properties)
            self._keep(connection, key, new.digests)
        return run_info({**row, "ended": None, "experiment_name": name, "parent_id": new.parent}, now)

    @operation("GET /runs/{run_id}")
    def get(self, run_id: str) -> RunInfo:
        """Read a run.

        Raises
        ------
        NotFoundError
            If there is none of that id.
        """
        with self._database.read() as connection:
            return run_info(find_run(connection, run_id), time.time())

    @operation("GET /runs")
    def list(self, query: RunQuery) -> Page[RunInfo]:
        """List runs, by default the newest first.

        Raises
        ------
        InvalidValueError
            If the query asks for an order or a number of runs that there is not.
        """
        with self._database.read() as connection:
            return Listing(connection, query, time.time()).page()

    @operation("POST /runs/{run_id}/status", synced=False)
    def change_status(self, run_id: str, change: StatusChange) -> RunInfo:
        """Move a run on; of several who end it, one does, and the others get the error.

        Raises
        ------
        NotFoundError
            If there is no such run.
        StateError
            If the status that it has does not allow this one.
        """
        now = time.time()
        with self._database.write(synced=False) as connection:
            row = find_run(connection, run_id, lock=True)
            check_change(run_id, row["status"], change.status)
            new = _moved(row, change, now)
            connection.execute(update(run).where(run.c.key == row["key"]).values(new))
        return run_info(row | new, now)

    @operation("POST /runs/{run_id}/heartbeat", synced=False)
    def beat(self, run_id: str) -> RunInfo:
        """Record a sign of life, and return the run: it may have been asked to stop.

        Raises
        ------
        NotFoundError
            If there is no such run.
        """
        now = time.time()
        with self._database.write(synced=False) as connection:
            connection.execute(update(run).where(run.c.id == run_id).values(last_heartbeat=now))
            return run_info(find_run(connection, run_id), now)

    @operation("PATCH /runs/{run_id}", synced=False)
    def change(self, run_id: str, change: RunChange) -> RunInfo:
        """Change what is said of a run.

        Raises
        ------
        NotFoundError
            If there is no such run.
        InvalidValueError
            If a tag, property or parameter is not one.
        StateError
            If a property, parameter or digest is there with another value.
        """
        _check_labels_of(change)
        with self._database.write(synced=False) as connection:
            row = find_run(connection, run_id, lock=True)
            new = {"document": msgspec.json.encode(_changed(run_id, decode_document(row["document"]), change))}
            mine = (run_label.c.run == row["key"]) & (run_label.c.kind == "tag")
            gone = mine & run_label.c.label.in_([*change.remove_tags, *change.tags])
            connection.execute(delete(run_label).where(gone))
            self._index(connection, row["key"], "tag", change.tags)
            self._index(connection, row["key"], "property", change.properties)
            self._keep(connection, row["key"], change.digests)
            connection.execute(update(run).where(run.c.key == row["key"]).values(new))
        return run_info(row | new, time.time())

    def _index(self, connection: Connection, key: int, kind: str, labels: Mapping[str, str]) -> None:
        rows = [{"run": key, "kind": kind, "label": label, "value": value} for label, value in labels.items()]
        if rows:
            connection.execute(self._database.insert(run_label).values(rows).on_conflict_do_nothing())

    def _keep(self, connection: Connection, key: int, digests: Mapping[str, str]) -> None:
        rows = [{"run": key, "role": role, "sha256": sha256} for role, sha256 in digests.items()]
        if rows:
            refer(self._database, self._blobs, digests.values())
            connection.execute(self._database.insert(run_digest).values(rows).on_conflict_do_nothing())


def _moved(row: Mapping[str, Any], change: StatusChange, now: float) -> dict[str, Any]:
    """Say what of a row changes with its status."""
    new: dict[str, Any] = {"status": change.status}
    if change.status == "Running":
        new |= {"started": now, "last_heartbeat": now, "heartbeat": change.heartbeat or row["heartbeat"]}
    if change.status in FINAL:
        new["ended"] = now
    if change.error is not None:
        document = msgspec.structs.replace(decode_document(row["document"]), error=change.error)
        new["document"] = msgspec.json.encode(document)
    return new


def _check_new(new: NewRun) -> None:
    if new.status not in ORDER:
        raise InvalidValueError(f"status {new.status!r}", f"a run begins as one of: {', '.join(ORDER)}")
    if new.heartbeat is not None and not 0 < new.heartbeat < 86400:
        raise InvalidValueError(f"heartbeat {new.heartbeat}", "seconds, above 0 and below a day")
    check_label("run type", new.type)
    _check_labels_of(new)


def _check_labels_of(given: NewRun | RunChange) -> None:
    check_labels("tag", given.tags)
    check_labels("property", given.properties)
    for name in given.parameters:
        check_label("parameter", name)
    for role, sha256 in given.digests.items():
        check_label("digest", role)
        check_digest(sha256)
    if given.display_name:
        check_label("run name", given.display_name)


def _first_document(run_id: str, new: NewRun) -> RunDocument:
    return RunDocument(
        display_name=new.display_name or run_id,
        tags=new.tags,
        properties=new.properties,
        parameters=new.parameters,
        digests=new.digests,
        details=new.details,
    )


def _changed(run_id: str, document: RunDocument, change: RunChange) -> RunDocument:
    tags = {key: value for key, value in document.tags.items() if key not in change.remove_tags}
    return msgspec.structs.replace(
        document,
        display_name=change.display_name or document.display_name,
        tags=tags | change.tags,
        properties=_added(run_id, "property", document.properties, change.properties),
        parameters=_added(run_id, "parameter", document.parameters, change.parameters),
        digests=_added(run_id, "digest", document.digests, change.digests),
        details=document.details | change.details,
    )


def _added(run_id: str, kind: str, there: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in new.items():
        if key in there and there[key] != value:
            raise StateError(f"The {kind} {key!r} of run {run_id}", f"{there[key]!r}", f"become {value!r}")
    return there | dict(new)
