"""What can be done with runs of pipelines."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select

from modelyard.compute.computes import find_compute_target
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.operation import Page, operation
from modelyard.paging import check_limit, read_cursor
from modelyard.pipelines.checks import problems_of
from modelyard.pipelines.errors import InvalidParametersError, InvalidPipelineError
from modelyard.pipelines.graph import Graph
from modelyard.pipelines.run import PIPELINE, NewPipelineRun, Options, PipelineRunInfo, StepInfo, StepQuery
from modelyard.pipelines.tables import pipeline_run, pipeline_step
from modelyard.store.store import Store
from modelyard.tracking.rows import find_key, find_run, run_info
from modelyard.tracking.run import NewRun
from modelyard.tracking.runs import Runs


class Pipelines:
    """What can be done with runs of pipelines; they are canceled as other runs are."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = Runs(store)

    @operation("POST /pipeline-runs")
    def submit(self, new: NewPipelineRun) -> PipelineRunInfo:
        """Have a pipeline run; it begins as soon as a runner looks after the workspace.

        Raises
        ------
        NotFoundError
            If there is no such experiment or compute target, or no such run to resume.
        InvalidPipelineError
            If the graph cannot run as it is, or is not sealed.
        InvalidParametersError
            If parameters are given that it does not have, or of another type than their defaults.
        MissingBlobError
            If code or an environment is not kept.
        """
        graph, options = new.graph, new.options
        check_graph(graph)
        parameters = checked_parameters(graph, options.parameters)
        digest = self._store.blobs.put(msgspec.json.encode(graph, order="deterministic"))
        run = NewRun(
            type=PIPELINE,
            status="Queued",
            tags=new.tags,
            parameters=parameters,
            digests=needed_by(graph) | {"graph": digest},
            details=new.details,
        )
        with self._store.database.write() as connection:
            if options.resumed:
                pipeline_row(connection, options.resumed)
            for compute in {step.compute for step in graph.steps}:
                find_compute_target(connection, compute)
            info = self._runs.create(new.experiment, run)
            key = find_key(connection, info.id)
            row = {"run": key, "id": info.id, "graph": digest, "machine": "", "is_open": True}
            connection.execute(insert(pipeline_run).values(options=msgspec.json.encode(options), **row))
            connection.execute(insert(pipeline_step), [_step(key, at, step) for at, step in enumerate(graph.steps)])
        return PipelineRunInfo(run=info, graph=digest, options=options)

    @operation("GET /pipeline-runs/{run_id}")
    def get(self, run_id: str) -> PipelineRunInfo:
        """Read the run of a pipeline.

        Raises
        ------
        NotFoundError
            If there is none of that id.
        """
        with self._store.database.read() as connection:
            row = pipeline_row(connection, run_id)
            return info_of(connection, row)

    @operation("GET /pipeline-runs/{run_id}/steps")
    def steps(self, run_id: str, query: StepQuery) -> Page[StepInfo]:
        """List the steps of a run, in the order of its graph.

        Raises
        ------
        NotFoundError
            If there is no such run.
        """
        check_limit(query.limit)
        after = -1 if query.cursor is None else read_cursor(query.cursor)
        with self._store.database.read() as connection:
            found = read_steps(connection, pipeline_row(connection, run_id)["run"], after, query.limit + 1)
        more = len(found) > query.limit
        items = found[: query.limit]
        return Page(items=tuple(items), cursor=str(items[-1].position) if more else None)


def checked_parameters(graph: Graph, given: dict[str, Any]) -> dict[str, Any]:
    """Give every parameter of a graph its value.

    Raises
    ------
    InvalidParametersError
        If one is not known, or of another type.
    """
    wrong = []
    for name, value in given.items():
        if name not in graph.parameters:
            wrong.append(f"there is no parameter {name!r}")
            continue
        wanted = type(graph.parameters[name].default)
        if not (type(value) is wanted or (wanted is float and type(value) is int)):
            wrong.append(f"{name!r} takes a value of the type {wanted.__name__}, not {value!r}")
    if wrong:
        kinds = {name: type(one.default).__name__ for name, one in graph.parameters.items()}
        raise InvalidParametersError(wrong, kinds)
    return {name: given.get(name, one.default) for name, one in graph.parameters.items()}


def read_steps(connection: Connection, run: int, after: int = -1, limit: int | None = None) -> list[StepInfo]:
    """Read steps of a run, in order."""
    table = pipeline_step.c
    statement = select(table.document).where(table.run == run, table.position > after).order_by(table.position)
    return [msgspec.json.decode(one, type=StepInfo) for one in connection.execute(statement.limit(limit)).scalars()]


def info_of(connection: Connection, row: RowMapping) -> PipelineRunInfo:
    """Make what is told of a run out of its row."""
    run = run_info(find_run(connection, row["id"]), time.time())
    return PipelineRunInfo(run=run, graph=row["graph"], options=msgspec.json.decode(row["options"], type=Options))


def pipeline_row(connection: Connection, run_id: str) -> RowMapping:
    """Read the row of a run.

    Raises
    ------
    NotFoundError
        If there is none of that id.
    """
    row = connection.execute(select(pipeline_run).where(pipeline_run.c.id == run_id)).mappings().first()
    if row is None:
        raise NotFoundError("pipeline run", run_id)
    return row


def check_graph(graph: Graph) -> None:
    """Make sure that a graph can run as it is.

    Raises
    ------
    InvalidPipelineError
        If it cannot, or is not sealed.
    InvalidValueError
        If a step has a time limit that is none.
    """
    problems = [one.text for one in problems_of(graph)]
    problems += [
        f"Step {step.name!r} has a script and no code: submit the pipeline with Experiment.submit."
        for step in graph.steps
        if step.script and not step.code
    ]
    if problems:
        raise InvalidPipelineError(problems)
    for step in graph.steps:
        if step.timeout is not None and not 0 < step.timeout < float("inf"):
            raise InvalidValueError(f"timeout of step {step.name!r}", "seconds, above 0")


def needed_by(graph: Graph) -> dict[str, str]:
    """Name what the steps need, each once."""
    found = dict.fromkeys(digest for step in graph.steps for digest in (step.code, step.counted, step.environment))
    return {f"needed.{number}": digest for number, digest in enumerate(filter(None, found), 1)}


def _step(run: int, position: int, step: Any) -> dict[str, Any]:
    info = StepInfo(position=position, name=step.name, compute=step.compute)
    return {
        "run": run,
        "position": position,
        "compute": info.compute,
        "state": info.state,
        "document": msgspec.json.encode(info),
    }
