"""What can be done with endpoints: names under which versions of a pipeline are called."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, RowMapping, insert, select, update

from modelyard.errors import AlreadyExistsError, NotFoundError
from modelyard.names import check_name
from modelyard.operation import Page, operation
from modelyard.paging import check_limit
from modelyard.pipelines.published import (
    EndpointChange,
    EndpointQuery,
    EndpointVersion,
    NewEndpointVersion,
    NewPipelineEndpoint,
    PipelineCall,
    PipelineCalled,
    PipelineEndpointInfo,
)
from modelyard.pipelines.publishing import NOT_ARCHIVED, PublishedPipelines, check_active, find_published
from modelyard.pipelines.tables import pipeline_endpoint, pipeline_endpoint_version
from modelyard.store.store import Store


class _Document(Struct, frozen=True, kw_only=True, omit_defaults=True):
    description: str = ""
    by: str = ""


class PipelineEndpoints:
    """What can be done with endpoints; their versions are counted from 0, and one of them is the default."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._published = PublishedPipelines(store)

    @operation("POST /pipeline-endpoints")
    def create(self, new: NewPipelineEndpoint) -> PipelineEndpointInfo:
        """Make an endpoint, whose version 0 is a published pipeline.

        Raises
        ------
        InvalidNameError
            If the name breaks the rule for names.
        AlreadyExistsError
            If the name is taken.
        NotFoundError
            If there is no such published pipeline.
        """
        check_name("a pipeline endpoint", new.name)
        document = msgspec.json.encode(_Document(description=new.description, by=new.by))
        row = {"name": new.name, "status": "Active", "default_version": 0, "created": time.time(), "document": document}
        statement = self._database.insert(pipeline_endpoint).values(row).on_conflict_do_nothing()
        with self._database.write() as connection:
            find_published(connection, new.pipeline)
            key = connection.execute(statement.returning(pipeline_endpoint.c.key)).scalar()
            if key is None:
                raise AlreadyExistsError("pipeline endpoint", new.name, "Take another name, or add a version to it.")
            _add(connection, key, 0, new.pipeline)
            return self.get(new.name)

    @operation("GET /pipeline-endpoints/{name}")
    def get(self, name: str) -> PipelineEndpointInfo:
        """Read an endpoint with its versions.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self._database.read() as connection:
            return _info(connection, _find(connection, name))

    @operation("GET /pipeline-endpoints")
    def list(self, query: EndpointQuery) -> Page[PipelineEndpointInfo]:
        """List endpoints by name; archived ones only if they are asked for."""
        limit = check_limit(query.limit)
        table = pipeline_endpoint.c
        statement = select(pipeline_endpoint).where(table.status.in_(query.status or NOT_ARCHIVED))
        statement = statement.where(table.name > (query.cursor or "")).order_by(table.name).limit(limit + 1)
        with self._database.read() as connection:
            rows = connection.execute(statement).mappings().all()
            items = tuple(_info(connection, row) for row in rows[:limit])
        return Page(items=items, cursor=items[-1].name if len(rows) > limit else None)

    @operation("POST /pipeline-endpoints/{name}/versions")
    def add(self, name: str, new: NewEndpointVersion) -> PipelineEndpointInfo:
        """Give an endpoint its next version.

        Raises
        ------
        NotFoundError
            If there is no such endpoint, or no such published pipeline.
        """
        with self._database.write() as connection:
            row = _find(connection, name, lock=True)
            find_published(connection, new.pipeline)
            number = len(_versions(connection, row))
            _add(connection, row["key"], number, new.pipeline)
            if new.default:
                _set(connection, row, default_version=number)
            return self.get(name)

    @operation("PATCH /pipeline-endpoints/{name}")
    def change(self, name: str, change: EndpointChange) -> PipelineEndpointInfo:
        """Enable, disable or archive an endpoint, or have another version be the default.

        Raises
        ------
        NotFoundError
            If there is no such endpoint, or no such version.
        """
        with self._database.write() as connection:
            row = _find(connection, name, lock=True)
            if change.default_version is not None:
                version = _version(connection, row, change.default_version)
                _set(connection, row, default_version=int(version.version))
            if change.status is not None:
                _set(connection, row, status=change.status)
            return self.get(name)

    @operation("POST /pipeline-endpoints/{name}/runs")
    def submit(self, name: str, call: PipelineCall) -> PipelineCalled:
        """Have the default version run; see ``PublishedPipelines.submit``.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        StateError
            If it, or the published pipeline, is disabled or archived.
        InvalidParametersError
            If parameters are given that it does not have, or of another type.
        """
        with self._database.write() as connection:
            return self.submit_version(name, str(_find(connection, name)["default_version"]), call)

    @operation("POST /pipeline-endpoints/{name}/versions/{version}/runs")
    def submit_version(self, name: str, version: str, call: PipelineCall) -> PipelineCalled:
        """Have a version run; see ``submit``.

        Raises
        ------
        NotFoundError
            If there is no such endpoint, or no such version.
        StateError
            If it, or the published pipeline, is disabled or archived.
        InvalidParametersError
            If parameters are given that it does not have, or of another type.
        """
        with self._database.write() as connection:
            row = _find(connection, name)
            check_active(f"The pipeline endpoint {name!r}", row["status"])
            return self._published.submit(_version(connection, row, version).pipeline, call)


def _find(connection: Connection, name: str, *, lock: bool = False) -> RowMapping:
    statement = select(pipeline_endpoint).where(pipeline_endpoint.c.name == name)
    row = connection.execute(statement.with_for_update() if lock else statement).mappings().first()
    if row is None:
        table = pipeline_endpoint.c
        known = connection.execute(select(table.name).order_by(table.name).limit(1000)).scalars()
        raise NotFoundError("pipeline endpoint", name, known.all())
    return row


def _versions(connection: Connection, row: RowMapping) -> list[EndpointVersion]:
    table = pipeline_endpoint_version.c
    statement = select(table.number, table.pipeline).where(table.endpoint == row["key"]).order_by(table.number)
    return [EndpointVersion(version=str(number), pipeline=found) for number, found in connection.execute(statement)]


def _version(connection: Connection, row: RowMapping, version: str) -> EndpointVersion:
    found = _versions(connection, row)
    for one in found:
        if one.version == version:
            return one
    raise NotFoundError(f"version of the pipeline endpoint {row['name']!r}", version, [one.version for one in found])


def _add(connection: Connection, endpoint: int, number: int, pipeline: str) -> None:
    connection.execute(insert(pipeline_endpoint_version).values(endpoint=endpoint, number=number, pipeline=pipeline))


def _set(connection: Connection, row: RowMapping, **values: Any) -> None:
    connection.execute(update(pipeline_endpoint).where(pipeline_endpoint.c.key == row["key"]).values(values))


def _info(connection: Connection, row: RowMapping) -> PipelineEndpointInfo:
    document = msgspec.json.decode(row["document"], type=_Document)
    return PipelineEndpointInfo(
        name=row["name"],
        description=document.description,
        status=row["status"],
        default_version=str(row["default_version"]),
        versions=tuple(_versions(connection, row)),
        created=dt.datetime.fromtimestamp(row["created"], dt.UTC),
        by=document.by,
    )
