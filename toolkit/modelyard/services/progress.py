"""What the runner does with the rows of services: look at what is wanted, and write down what it has brought about."""

from __future__ import annotations

import datetime as dt

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, select, update

from modelyard.images.operations import release_image
from modelyard.ledger.entry import NewEntry
from modelyard.ledger.operations import append
from modelyard.operation import operation
from modelyard.runner.lease import lease_key
from modelyard.runner.leases import fence
from modelyard.services.rollout import Rollout
from modelyard.services.rows import (
    lock_service,
    read_info,
    read_revisions,
    read_service,
    save_rollout,
    standing_of,
    use,
    write_revision,
)
from modelyard.services.service import Revision, ServiceInfo, ServiceStanding
from modelyard.services.tables import service
from modelyard.store.store import Store

KIND = "service"
"""What the leases of services are called."""


class DueQuery(Struct, frozen=True, kw_only=True):
    """For which machine to look."""

    machine: str


class Due(Struct, frozen=True, kw_only=True):
    """The services that a machine's runner looks after."""

    names: tuple[str, ...]


class Look(Struct, frozen=True, kw_only=True):
    """A service, and those of its revisions that have replicas, serve, or are on their way.

    `wishes` is how often users have asked for something, those that are settled among them.
    """

    info: ServiceInfo
    wishes: int
    revisions: tuple[Revision, ...]

    def revision(self, number: int) -> Revision:
        """Give one of the revisions."""
        return next(one for one in self.revisions if one.number == number)


class Advance(Struct, frozen=True, kw_only=True):
    """What the runner has brought about, all of it or nothing; None leaves what is there.

    Parameters
    ----------
    token
        Of the lease on the service.
    settled
        How many of the users' wishes leave nothing to do: until the next one, the service is not looked after.
    answered
        What was asked of the rollout and is done: it may be asked for anew.
    """

    token: int
    settled: int | None = None
    standing: ServiceStanding | None = None
    revisions: tuple[Revision, ...] = ()
    rollout: Rollout | None = None
    answered: str | None = None
    entries: tuple[NewEntry, ...] = ()


class Forget(Struct, frozen=True, kw_only=True):
    """The token of the lease on the service."""

    token: int


class ServiceProgress:
    """What the runner does with the rows of services; what it writes is fenced by its lease."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("GET /service-progress")
    def due(self, query: DueQuery) -> Due:
        """Name the services that a machine looks after, and those that no machine has yet."""
        mine = service.c.machine.in_((query.machine, "")) & (service.c.wishes > service.c.settled)
        with self._store.database.read() as connection:
            names = connection.execute(select(service.c.name).where(mine).order_by(service.c.name)).scalars()
            return Due(names=tuple(names))

    @operation("GET /service-progress/{name}")
    def look(self, name: str) -> Look:
        """Read what there is to do for a service.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self._store.database.read() as connection:
            return _look(connection, name)

    @operation("PUT /service-progress/{name}")
    def advance(self, name: str, advance: Advance) -> Look:
        """Write down what was brought about.

        Raises
        ------
        LeaseLostError
            If another holds the lease on the service by now.
        NotFoundError
            If there is none of that name.
        """
        database, now = self._store.database, dt.datetime.now(dt.UTC)
        with database.write() as connection:
            fence(database, lease_key(KIND, name), advance.token)
            row = lock_service(connection, name)
            if advance.settled is not None:
                settle = update(service).where(service.c.name == name).values(settled=advance.settled)
                connection.execute(settle)
            if advance.standing is not None and advance.standing != standing_of(row):
                values = {"standing": msgspec.json.encode(advance.standing), "machine": advance.standing.machine}
                connection.execute(update(service).where(service.c.name == name).values(values))
            for revision in advance.revisions:
                write_revision(database, connection, revision)
                if revision.state in ("failed", "replaced"):
                    release_image(connection, use(name, revision.number))
            if advance.rollout is not None:
                save_rollout(connection, advance.rollout, advance.answered)
            for entry in advance.entries:
                append(database, entry, now)
            return _look(connection, name)

    @operation("DELETE /service-progress/{name}")
    def forget(self, name: str, forget: Forget) -> None:
        """Delete the rows of a service that has been cleared from its places; the ledger keeps what happened.

        Raises
        ------
        LeaseLostError
            If another holds the lease on the service by now.
        """
        database = self._store.database
        with database.write() as connection:
            fence(database, lease_key(KIND, name), forget.token)
            lock_service(connection, name)
            for revision in read_revisions(connection, name):
                release_image(connection, use(name, revision.number))
            connection.execute(delete(service).where(service.c.name == name))


def _look(connection: Connection, name: str) -> Look:
    row = read_service(connection, name)
    info = read_info(connection, row)
    live = {info.standing.serving, *info.standing.traffic}
    if info.rollout is not None and not info.rollout.is_ended:
        live |= {info.rollout.revision}
    revisions = read_revisions(connection, name)
    return Look(
        info=info, wishes=row["wishes"], revisions=tuple(one for one in revisions if one.replicas or one.number in live)
    )
