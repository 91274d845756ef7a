"""What can be done with the records of services; the places themselves are the targets' (`target.py`)."""

from __future__ import annotations

import datetime as dt

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    RowMapping,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from modelyard.errors import AlreadyExistsError, NotFoundError, StateError
from modelyard.images.image import ImageUse
from modelyard.images.operations import hold_image, release_image
from modelyard.names import check_label, check_name
from modelyard.operation import operation
from modelyard.paging import check_limit
from modelyard.services.service import (
    NewRevision,
    Revision,
    RevisionChange,
    RevisionPage,
    ServiceInfo,
    ServicePage,
    ServiceQuery,
)
from modelyard.store.schema import Document, metadata
from modelyard.store.store import Store

service = Table(
    "service",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("created", Float, nullable=False),
    Column("tags", Document, nullable=False),
)

service_revision = Table(
    "service_revision",
    metadata,
    Column("service", String(128), ForeignKey("service.name", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("document", Document, nullable=False),
)


class Services:
    """What can be done with the records of services."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("POST /services/{name}/revisions")
    def begin(self, name: str, new: NewRevision) -> Revision:
        """Record that a revision is being deployed; the service is made with its first.

        Raises
        ------
        AlreadyExistsError
            If the service exists, and `new` does not ask to replace what runs.
        NotFoundError
            If there is no such image.
        """
        check_name("a service", name)
        for key, text in new.tags.items():
            check_label("tag", key)
            check_label(f"tag {key}", text)
        now = dt.datetime.now(dt.UTC)
        with self._store.database.write() as connection:
            exists = connection.execute(select(service.c.name).where(service.c.name == name)).first() is not None
            if exists and not new.replace:
                raise AlreadyExistsError("service", name, "Deploy with replace=True (--replace), or delete it first.")
            if not exists:
                row = {"name": name, "created": now.timestamp(), "tags": msgspec.json.encode(new.tags)}
                connection.execute(insert(service).values(row))
            last = select(func.max(service_revision.c.number)).where(service_revision.c.service == name)
            number = (connection.execute(last).scalar() or 0) + 1
            image = hold_image(self._store.database, new.image, _use(name, number))
            revision = Revision(
                service=name,
                number=number,
                target=new.target,
                image=image.id,
                digest=image.digest,
                models=tuple(str(model) for model in image.spec.models),
                state="deploying",
                created=now,
                changed=now,
            )
            values = {"service": name, "number": number, "document": msgspec.json.encode(revision)}
            connection.execute(insert(service_revision).values(values))
        return revision

    @operation("PATCH /services/{name}/revisions/{number}")
    def change(self, name: str, number: int, change: RevisionChange) -> Revision:
        """Record how a revision went on; one that begins to run replaces those that ran before.

        Raises
        ------
        NotFoundError
            If there is no such revision.
        StateError
            If it has failed, or was replaced: that is final.
        """
        with self._store.database.write() as connection:
            revisions = _revisions(connection, name)
            found = next((r for r in revisions if r.number == number), None)
            if found is None:
                raise NotFoundError("revision", f"{name}/{number}", [f"{name}/{r.number}" for r in revisions])
            if found.state in ("failed", "replaced"):
                raise StateError(f"Revision {number} of {name}", found.state, f"become {change.state}")
            changed = msgspec.structs.replace(
                found,
                state=change.state,
                placed=change.placed or found.placed,
                reason=change.reason,
                changed=dt.datetime.now(dt.UTC),
            )
            _save(connection, changed)
            if change.state == "running":
                for other in revisions:
                    if other.state == "running" and other.number != number:
                        _save(connection, msgspec.structs.replace(other, state="replaced", changed=changed.changed))
        return changed

    @operation("GET /services/{name}")
    def get(self, name: str) -> ServiceInfo:
        """Read a service.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self._store.database.read() as connection:
            row = connection.execute(select(service).where(service.c.name == name)).mappings().first()
            if row is None:
                raise NotFoundError("service", name, connection.execute(select(service.c.name)).scalars().all())
            return _info(connection, row)

    @operation("GET /services")
    def list(self, query: ServiceQuery) -> ServicePage:
        """List services by name."""
        check_limit(query.limit)
        found: list[ServiceInfo] = []
        with self._store.database.read() as connection:
            statement = select(service).where(service.c.name > (query.cursor or "")).order_by(service.c.name)
            for row in connection.execute(statement).mappings().all():
                info = _info(connection, row)
                if _fits(info.revision, query):
                    found.append(info)
                if len(found) > query.limit:
                    break
        more = len(found) > query.limit
        found = found[: query.limit]
        return ServicePage(items=tuple(found), cursor=found[-1].name if more else None)

    @operation("GET /services/{name}/revisions")
    def revisions(self, name: str) -> RevisionPage:
        """List every revision of a service, the newest first.

        Raises
        ------
        NotFoundError
            If there is no such service.
        """
        self.get(name)
        with self._store.database.read() as connection:
            return RevisionPage(items=tuple(_revisions(connection, name)))

    @operation("DELETE /services/{name}")
    def delete(self, name: str) -> None:
        """Delete the records of a service; its place must have been cleared before.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self._store.database.write() as connection:
            for revision in self.revisions(name).items:
                release_image(connection, _use(name, revision.number))
            connection.execute(delete(service_revision).where(service_revision.c.service == name))
            connection.execute(delete(service).where(service.c.name == name))


def _revisions(connection: Connection, name: str) -> list[Revision]:
    columns = select(service_revision.c.document).where(service_revision.c.service == name)
    rows = connection.execute(columns.order_by(service_revision.c.number.desc())).scalars()
    return [msgspec.json.decode(row, type=Revision) for row in rows]


def _save(connection: Connection, revision: Revision) -> None:
    this = (service_revision.c.service == revision.service) & (service_revision.c.number == revision.number)
    connection.execute(update(service_revision).where(this).values(document=msgspec.json.encode(revision)))
    if revision.state in ("failed", "replaced"):
        release_image(connection, _use(revision.service, revision.number))


def _info(connection: Connection, row: RowMapping) -> ServiceInfo:
    revisions = _revisions(connection, row["name"])
    newest = next((r for r in revisions if r.state == "running"), revisions[0])
    return ServiceInfo(
        name=row["name"],
        created=dt.datetime.fromtimestamp(row["created"], dt.UTC),
        tags=msgspec.json.decode(row["tags"], type=dict[str, str]),
        revision=newest,
    )


def _use(name: str, number: int) -> ImageUse:
    return ImageUse(kind="service", user=f"{name}/{number}")


def _fits(revision: Revision, query: ServiceQuery) -> bool:
    models = {*revision.models, *(model.partition(":")[0] for model in revision.models)}
    return (query.target in (None, revision.target)) and (query.model is None or query.model in models)
