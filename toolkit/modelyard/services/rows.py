"""Reading and writing the rows of services, within a caller's transaction."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, insert, select, update

from modelyard.errors import NotFoundError
from modelyard.images.image import ImageUse
from modelyard.services.rollout import ENDED, Rollout
from modelyard.services.service import Revision, ServiceInfo, ServiceStanding
from modelyard.services.settings import ServiceSettings
from modelyard.services.tables import service, service_revision, service_rollout
from modelyard.store.database import Database


def subject(name: str) -> str:
    """Say what the ledger calls a service."""
    return f"service:{name}"


def use(name: str, number: int) -> ImageUse:
    """Say who uses the image of a revision."""
    return ImageUse(kind="service", user=f"{name}/{number}")


def lock_service(connection: Connection, name: str) -> RowMapping:
    """Read a service's row, and let nobody else change the service until the transaction ends.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """
    return _one(connection, name, select(service).where(service.c.name == name).with_for_update())


def read_service(connection: Connection, name: str) -> RowMapping:
    """Read a service's row.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """
    return _one(connection, name, select(service).where(service.c.name == name))


def wish_for(connection: Connection, name: str, **values: Any) -> RowMapping:
    """Write what a user wants of a service, which the runner then looks at; return the row."""
    wished = update(service).where(service.c.name == name).values(wishes=service.c.wishes + 1, **values)
    connection.execute(wished)
    return read_service(connection, name)


def read_info(connection: Connection, row: RowMapping) -> ServiceInfo:
    """Make what is told of a service out of its row and those below it."""
    standing = standing_of(row)
    revisions = read_revisions(connection, row["name"])
    return ServiceInfo(
        name=row["name"],
        created=dt.datetime.fromtimestamp(row["created"], dt.UTC),
        tags=msgspec.json.decode(row["tags"], type=dict[str, str]),
        settings=settings_of(row),
        wanted=row["wanted"],
        standing=standing,
        revision=next((one for one in revisions if one.number == standing.serving), revisions[0]),
        rollout=current_rollout(connection, row["name"]),
    )


def settings_of(row: RowMapping) -> ServiceSettings:
    """Decode a service's settings."""
    return msgspec.json.decode(row["settings"], type=ServiceSettings)


def standing_of(row: RowMapping) -> ServiceStanding:
    """Decode what the runner has brought about."""
    return msgspec.json.decode(row["standing"], type=ServiceStanding)


def read_revisions(connection: Connection, name: str) -> list[Revision]:
    """Read every revision of a service, the newest first."""
    columns = select(service_revision.c.document).where(service_revision.c.service == name)
    rows = connection.execute(columns.order_by(service_revision.c.number.desc())).scalars()
    return [msgspec.json.decode(row, type=Revision) for row in rows]


def write_revision(database: Database, connection: Connection, revision: Revision) -> None:
    """Write a revision: a new row, or over its own."""
    document = msgspec.json.encode(revision)
    row = {"service": revision.service, "number": revision.number, "document": document}
    key = [service_revision.c.service, service_revision.c.number]
    statement = database.insert(service_revision).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_={"document": document}))


def read_rollouts(connection: Connection, name: str) -> list[Rollout]:
    """Read every rollout of a service, the newest first."""
    statement = select(service_rollout).where(service_rollout.c.service == name)
    rows = connection.execute(statement.order_by(service_rollout.c.number.desc())).mappings()
    return [_rollout(row) for row in rows]


def current_rollout(connection: Connection, name: str) -> Rollout | None:
    """Read the rollout that is under way, else the last."""
    mine = select(service_rollout).where(service_rollout.c.service == name)
    number = service_rollout.c.number
    under_way = mine.where(service_rollout.c.state.not_in(ENDED)).order_by(number).limit(1)
    last = mine.order_by(number.desc()).limit(1)
    row = connection.execute(under_way).mappings().first() or connection.execute(last).mappings().first()
    return None if row is None else _rollout(row)


def add_rollout(connection: Connection, rollout: Rollout) -> None:
    """Write a new rollout."""
    row = {"service": rollout.service, "number": rollout.number, **_values(rollout)}
    connection.execute(insert(service_rollout).values(row))


def save_rollout(connection: Connection, rollout: Rollout, answered: str | None) -> None:
    """Write a rollout over its row; what is asked of it stays, unless it is what was `answered`."""
    connection.execute(update(service_rollout).where(_this(rollout)).values(_values(rollout)))
    if answered is not None:
        done = _this(rollout) & (service_rollout.c.asked == answered)
        connection.execute(update(service_rollout).where(done).values(asked=None))


def save_asked(connection: Connection, rollout: Rollout, asked: str) -> None:
    """Write what is asked of a rollout."""
    connection.execute(update(service_rollout).where(_this(rollout)).values(asked=asked))


def _this(rollout: Rollout) -> Any:
    return (service_rollout.c.service == rollout.service) & (service_rollout.c.number == rollout.number)


def _values(rollout: Rollout) -> dict[str, Any]:
    return {"state": rollout.state, "document": msgspec.json.encode(rollout)}


def _rollout(row: RowMapping) -> Rollout:
    return msgspec.structs.replace(msgspec.json.decode(row["document"], type=Rollout), asked=row["asked"])


def _one(connection: Connection, name: str, statement: Select[Any]) -> RowMapping:
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFoundError("service", name, connection.execute(select(service.c.name)).scalars().all())
    return row
