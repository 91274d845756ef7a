"""What can be done with published pipelines."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, RowMapping, insert, select, update

from modelyard.errors import NotFoundError, StateError
from modelyard.names import check_label
from modelyard.operation import Page, operation
from modelyard.paging import check_limit, read_cursor
from modelyard.pipelines.graph import Graph, Value
from modelyard.pipelines.operations import Pipelines, check_graph, checked_parameters, needed_by
from modelyard.pipelines.published import (
    NewPublishedPipeline,
    PipelineCall,
    PipelineCalled,
    PublishedChange,
    PublishedPipelineInfo,
    PublishedQuery,
)
from modelyard.pipelines.run import NewPipelineRun, Options
from modelyard.pipelines.tables import published_digest, published_pipeline
from modelyard.store.references import refer
from modelyard.store.store import Store
from modelyard.tracking.experiments import Experiments
from modelyard.tracking.run import NewExperiment

NOT_ARCHIVED = ("Active", "Disabled")


class _Document(Struct, frozen=True, kw_only=True, omit_defaults=True):
    parameters: dict[str, Value]
    options: Options
    description: str = ""
    version: str = ""
    by: str = ""


class PublishedPipelines:
    """What can be done with published pipelines: what one runs never changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pipelines = Pipelines(store)
        self._experiments = Experiments(store)

    @operation("POST /published-pipelines")
    def publish(self, new: NewPublishedPipeline) -> PublishedPipelineInfo:
        """Keep a pipeline, to be called again and again; what its graph names is kept with it.

        Raises
        ------
        InvalidValueError
            If the name is empty, or has more than 250 characters.
        InvalidPipelineError
            If the graph cannot run as it is, or is not sealed.
        InvalidParametersError
            If the options have parameters that it does not have, or of another type than their defaults.
        MissingBlobError
            If code or an environment is not kept.
        """
        check_label("name of a published pipeline", new.name)
        check_graph(new.graph)
        parameters = checked_parameters(new.graph, new.options.parameters)
        document = _Document(
            parameters=parameters, options=new.options, description=new.description, version=new.version, by=new.by
        )
        graph = self._store.blobs.put(msgspec.json.encode(new.graph, order="deterministic"))
        row = {
            "id": str(uuid.uuid4()),
            "name": new.name,
            "status": "Active",
            "graph": graph,
            "created": time.time(),
            "document": msgspec.json.encode(document),
        }
        needed = needed_by(new.graph)
        with self._store.database.write() as connection:
            refer(self._store.database, self._store.blobs, [graph, *needed.values()])
            key = connection.execute(insert(published_pipeline).values(row).returning(published_pipeline.c.key))
            rows = [{"pipeline": key.scalar_one(), "role": role, "sha256": sha256} for role, sha256 in needed.items()]
            if rows:
                connection.execute(insert(published_digest), rows)
        return _info(row)

    @operation("GET /published-pipelines/{pipeline}")
    def get(self, pipeline: str) -> PublishedPipelineInfo:
        """Read a published pipeline.

        Raises
        ------
        NotFoundError
            If there is none of that id.
        """
        with self._store.database.read() as connection:
            return _info(find_published(connection, pipeline))

    @operation("GET /published-pipelines")
    def list(self, query: PublishedQuery) -> Page[PublishedPipelineInfo]:
        """List published pipelines, the newest first; archived ones only if they are asked for."""
        limit = check_limit(query.limit)
        table = published_pipeline.c
        statement = select(published_pipeline).where(table.status.in_(query.status or NOT_ARCHIVED))
        if query.name is not None:
            statement = statement.where(table.name == query.name)
        if query.cursor is not None:
            statement = statement.where(table.key < read_cursor(query.cursor))
        with self._store.database.read() as connection:
            rows = connection.execute(statement.order_by(table.key.desc()).limit(limit + 1)).mappings().all()
        cursor = str(rows[limit - 1]["key"]) if len(rows) > limit else None
        return Page(items=tuple(_info(row) for row in rows[:limit]), cursor=cursor)

    @operation("PATCH /published-pipelines/{pipeline}")
    def change(self, pipeline: str, change: PublishedChange) -> PublishedPipelineInfo:
        """Enable, disable or archive a published pipeline; runs that have begun go on.

        Raises
        ------
        NotFoundError
            If there is none of that id.
        """
        mine = published_pipeline.c.id == pipeline
        with self._store.database.write() as connection:
            connection.execute(update(published_pipeline).where(mine).values(status=change.status))
            return self.get(pipeline)

    @operation("POST /published-pipelines/{pipeline}/runs")
    def submit(self, pipeline: str, call: PipelineCall) -> PipelineCalled:
        """Have a published pipeline run; it begins as soon as a runner looks after the workspace.

        Raises
        ------
        NotFoundError
            If there is none of that id.
        StateError
            If it is disabled or archived.
        InvalidNameError
            If the name of the experiment breaks the rule for names.
        InvalidParametersError
            If parameters are given that it does not have, or of another type.
        """
        with self._store.database.write() as connection:
            row = find_published(connection, pipeline)
            check_active(f"The published pipeline {row['name']!r}", row["status"])
            published = _info(row)
            graph = msgspec.json.decode(self._store.blobs.read(published.graph), type=Graph)
            self._experiments.create(NewExperiment(name=call.experiment_name))
            run = self._pipelines.submit(_new_run(published, graph, call)).run
        return PipelineCalled(id=run.id, experiment_name=run.experiment, status=run.status)


def find_published(connection: Connection, pipeline: str) -> RowMapping:
    """Read the row of a published pipeline.

    Raises
    ------
    NotFoundError
        If there is none of that id.
    """
    statement = select(published_pipeline).where(published_pipeline.c.id == pipeline)
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFoundError("published pipeline", pipeline)
    return row


def check_active(what: str, status: str) -> None:
    """Make sure that something can be called.

    Raises
    ------
    StateError
        If it is disabled or archived.
    """
    if status != "Active":
        raise StateError(what, status.lower(), "be called; enable it first")


def _new_run(published: PublishedPipelineInfo, graph: Graph, call: PipelineCall) -> NewPipelineRun:
    options, wanted = published.options, call.continue_run_on_step_failure
    return NewPipelineRun(
        experiment=call.experiment_name,
        graph=graph,
        options=replace(
            options,
            parameters=options.parameters | call.parameter_assignments,
            regenerate=call.regenerate_outputs,
            continue_on_failure=options.continue_on_failure if wanted is None else wanted,
        ),
        tags=call.tags,
        details={
            "steps": len(graph.steps),
            "published_pipeline": published.id,
            "run_source": call.run_source,
            "by": call.by,
        },
    )


def _info(row: Any) -> PublishedPipelineInfo:
    document = msgspec.json.decode(row["document"], type=_Document)
    return PublishedPipelineInfo(
        id=row["id"],
        name=row["name"],
        description=document.description,
        version=document.version,
        status=row["status"],
        graph=row["graph"],
        parameters=document.parameters,
        options=document.options,
        created=dt.datetime.fromtimestamp(row["created"], dt.UTC),
        by=document.by,
    )
