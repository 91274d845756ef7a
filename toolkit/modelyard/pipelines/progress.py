"""What the runner does with the rows of runs of pipelines."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, RowMapping, bindparam, select, text, update

from modelyard.errors import StateError
from modelyard.operation import operation
from modelyard.pipelines.advance import (
    CacheEntries,
    CacheKeys,
    EndedRun,
    Faults,
    KeptOutputs,
    PipelineAdvance,
    PipelineAdvanced,
    PipelineDueQuery,
    PipelineLook,
    PipelinesDue,
)
from modelyard.pipelines.graph import Graph, Value
from modelyard.pipelines.operations import info_of, pipeline_row, read_steps
from modelyard.pipelines.run import COMPUTE, NAME, CacheEntry, StepInfo, StepOutput
from modelyard.pipelines.slots import Claim, granted, note_slots
from modelyard.pipelines.tables import pipeline_run, pipeline_step, step_cache
from modelyard.pipelines.wholeness import Wholeness
from modelyard.runner.lease import lease_key
from modelyard.runner.leases import fence
from modelyard.store.store import Store
from modelyard.tracking.files import Files, NewFiles
from modelyard.tracking.run import STEP, NewRun, RunChange
from modelyard.tracking.runs import Runs
from modelyard.tracking.status import may_follow

KIND = "pipeline"
"""What the leases of runs of pipelines are called."""
_LOCK = 0x6D6F706C  # "mopl": any fixed number serves, it only has to be ours


class PipelineProgress:
    """What the runner does with the rows of runs of pipelines; what it writes is fenced by its lease."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = Runs(store)
        self._files = Files(store)
        self._wholeness = Wholeness(store.blobs)

    @operation("GET /pipeline-progress")
    def due(self, query: PipelineDueQuery) -> PipelinesDue:
        """Name the runs that a machine looks after, and those that no machine has yet."""
        mine = pipeline_run.c.is_open & pipeline_run.c.machine.in_((query.machine, ""))
        with self._store.database.read() as connection:
            statement = select(pipeline_run.c.id).where(mine).order_by(pipeline_run.c.run)
            return PipelinesDue(runs=tuple(connection.execute(statement).scalars()))

    @operation("GET /pipeline-progress/{run_id}")
    def look(self, run_id: str) -> PipelineLook:
        """Read all of a run.

        Raises
        ------
        NotFoundError
            If there is none of that id.
        """
        with self._store.database.read() as connection:
            row = pipeline_row(connection, run_id)
            graph = msgspec.json.decode(self._store.blobs.read(row["graph"]), type=Graph)
            steps = read_steps(connection, row["run"])
            return PipelineLook(info=info_of(connection, row), graph=graph, steps=tuple(steps))

    @operation("POST /pipeline-progress/cache", role="reader")
    def cached(self, wanted: CacheKeys) -> CacheEntries:
        """Find what steps with these keys have written."""
        found = []
        with self._store.database.read() as connection:
            for keys in _batches(wanted.keys):
                rows = connection.execute(select(step_cache).where(step_cache.c.key.in_(keys))).mappings()
                found += [_entry(row) for row in rows]
        return CacheEntries(entries=tuple(found))

    @operation("POST /pipeline-progress/faults")
    def faults(self, kept: KeptOutputs) -> Faults:
        """Say what is not there, or damaged, of what steps have written; what is damaged is removed."""
        return Faults(faults=tuple(map(self._wholeness.fault, kept.outputs)))

    @operation("PUT /pipeline-progress/{run_id}", synced=False)
    def advance(self, run_id: str, advance: PipelineAdvance) -> PipelineAdvanced:
        """Write down what was brought about, and give out slots.

        Raises
        ------
        LeaseLostError
            If another holds the lease on the run by now.
        NotFoundError
            If there is no such run.
        """
        database = self._store.database
        with database.write(synced=False) as connection:
            fence(database, lease_key(KIND, run_id), advance.token)
            row = pipeline_row(connection, run_id)
            info = info_of(connection, row).run
            for ended in advance.ended:
                self._end(ended)
            begun = self._begun(connection, row["run"], run_id, info.experiment, advance)
            changed = {step.position: step for step in (*advance.steps, *begun)}
            _write_steps(connection, row["run"], changed.values())
            for compute in {step.compute for step in changed.values()}:
                note_slots(connection, compute)
            for entry in advance.entries:
                values = {"run": entry.run, "created": entry.created, "outputs": msgspec.json.encode(entry.outputs)}
                statement = database.insert(step_cache).values(key=entry.key, **values)
                connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))
            status = info.status
            for change in advance.changes:
                if may_follow(status, change.status):  # else somebody has ended it, or asked for that, meanwhile
                    status = self._runs.change_status(run_id, change).status
            values = {"machine": advance.machine, "is_open": not advance.is_done}
            connection.execute(update(pipeline_run).where(pipeline_run.c.run == row["run"]).values(values))
        return PipelineAdvanced(begun=tuple(begun), status=status)

    def _end(self, ended: EndedRun) -> None:
        if ended.files:
            self._files.add(ended.run, NewFiles(files=ended.files, replace=True))
        details = {} if ended.exit_status is None else {"exit_status": ended.exit_status}
        digests = {f"output:{name}": digest for name, digest in ended.outputs.items()}
        if digests or details:
            self._runs.change(ended.run, RunChange(digests=digests, details=details))
        with suppress(StateError):  # somebody has said before how it ended
            self._runs.change_status(ended.run, ended.change)

    def _begun(
        self, connection: Connection, run: int, run_id: str, experiment: str, advance: PipelineAdvance
    ) -> list[StepInfo]:
        """Give slots to steps, as many as there are, and make their runs."""
        if not advance.begin:
            return []
        if not self._store.database.is_sqlite:  # which has one writer; here nobody else may count meanwhile
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        begun = []
        now = time.time()
        for compute in dict.fromkeys(step.compute for step in advance.begin):
            wanted = [step for step in advance.begin if step.compute == compute]
            claim = Claim(
                run=run,
                compute=compute,
                machine=advance.machine,
                slots=advance.slots.get(compute, 1),
                wanted=len(wanted),
                over=frozenset(step.position for step in advance.steps),
                waited=advance.waited,
            )
            for step in wanted[: granted(connection, claim)]:
                new = NewRun(
                    display_name=step.name,
                    type=STEP,
                    status="Running",
                    parent=run_id,
                    parameters=_parameters(step),
                    properties={NAME: step.name, COMPUTE: step.compute},
                    digests=self._kept(advance.inputs.get(step.position, {})),
                )
                child = self._runs.create(experiment, new).id
                begun.append(
                    replace(
                        step,
                        state="running",
                        run=child,
                        attempt=step.attempt + 1,
                        started=now,
                        ended=None,
                        not_before=None,
                        error=None,
                    )
                )
        return begun

    def _kept(self, trees: dict[str, str]) -> dict[str, str]:
        """Name the trees that are there; a step that finds one missing says so itself."""
        missing = self._store.blobs.missing(trees.values())
        return {f"input:{name}": tree for name, tree in trees.items() if tree not in missing}


def _parameters(step: StepInfo) -> dict[str, Value]:
    return {
        name.removeprefix("parameters/"): value for name, value in step.leaves.items() if name.startswith("parameters/")
    }


def _write_steps(connection: Connection, run: int, steps: Iterable[StepInfo]) -> None:
    table = pipeline_step
    rows = [{"at": step.position, "new_state": step.state, "new_document": msgspec.json.encode(step)} for step in steps]
    if rows:
        statement = update(table).where(table.c.run == run, table.c.position == bindparam("at"))
        new = statement.values(state=bindparam("new_state"), document=bindparam("new_document"))
        connection.execute(new, rows)


def _entry(row: RowMapping) -> CacheEntry:
    outputs = msgspec.json.decode(row["outputs"], type=dict[str, StepOutput])
    return CacheEntry(key=row["key"], run=row["run"], created=row["created"], outputs=outputs)


def _batches(keys: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (keys[at : at + 500] for at in range(0, len(keys), 500))
