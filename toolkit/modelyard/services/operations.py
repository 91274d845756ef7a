"""What users can do with services: say what is wanted, and read what is. The runner brings it about (`progress.py`)."""

from __future__ import annotations

import datetime as dt

import msgspec
from sqlalchemy import select

from modelyard.errors import InvalidValueError, StateError
from modelyard.ledger.entry import NewEntry
from modelyard.ledger.operations import append
from modelyard.names import check_label, check_name
from modelyard.operation import operation
from modelyard.paging import check_limit
from modelyard.services.beginning import begin
from modelyard.services.errors import NoRolloutError
from modelyard.services.rollout import Begun, NewRollout, Rollout, RolloutAsk, RolloutPage
from modelyard.services.rows import (
    current_rollout,
    lock_service,
    read_info,
    read_revisions,
    read_rollouts,
    read_service,
    save_asked,
    settings_of,
    subject,
    wish_for,
)
from modelyard.services.service import (
    RevisionPage,
    ServiceChange,
    ServiceInfo,
    ServicePage,
    ServiceQuery,
    ServiceWish,
)
from modelyard.services.tables import service
from modelyard.store.store import Store


class Services:
    """What users can do with services."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("POST /services/{name}/rollouts")
    def deploy(self, name: str, new: NewRollout) -> Begun:
        """Have a new revision, or one that served before, come into traffic; the service is made with its first.

        What serves already, or is on its way, is not deployed again; then settings and tags alone are changed.

        Raises
        ------
        NotFoundError
            If there is no such image or revision.
        RolloutUnderWayError
            If there is another rollout under way, and `new` does not ask to wait for it.
        StateError
            If the service is being deleted.
        InvalidValueError
            If the policy does not go with the settings.
        """
        check_name("a service", name)
        check_author(new.by, new.why)
        _check_tags(new.tags or {})
        with self._store.database.write() as connection:
            return begin(self._store.database, connection, name, new)

    @operation("PATCH /services/{name}")
    def change(self, name: str, change: ServiceChange) -> ServiceInfo:
        """Change how a service is reached, or its tags; no revision is started for it.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        InvalidValueError
            If a service is to be put before the router, or taken from it, while it exists.
        """
        check_author(change.by, change.why)
        _check_tags(change.tags or {})
        with self._store.database.write() as connection:
            row = lock_service(connection, name)
            if change.settings is not None and change.settings.routed != settings_of(row).routed:
                raise InvalidValueError("routed", "delete the service and deploy it anew to change that")
            values = {key: value for key in ("settings", "tags") if (value := getattr(change, key)) is not None}
            if values:
                encoded = {key: msgspec.json.encode(value) for key, value in values.items()}
                row = wish_for(connection, name, **encoded)
                facts = msgspec.to_builtins(values, str_keys=True)
                self._tell(NewEntry(subject=subject(name), action="change", facts=facts, by=change.by, why=change.why))
            return read_info(connection, row)

    @operation("PUT /services/{name}/wanted")
    def wish(self, name: str, wish: ServiceWish) -> ServiceInfo:
        """Say whether a service should run, stop, or be deleted with all that it has; deleting is final.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        StateError
            If it is being deleted already, and something else is wanted.
        """
        check_author(wish.by, wish.why)
        with self._store.database.write() as connection:
            row = lock_service(connection, name)
            if row["wanted"] != wish.wanted:
                if row["wanted"] == "deleted":
                    raise StateError(f"The service {name}", "being deleted", f"be {wish.wanted}")
                row = wish_for(connection, name, wanted=wish.wanted)
                action = {"running": "start", "stopped": "stop", "deleted": "delete"}[wish.wanted]
                self._tell(NewEntry(subject=subject(name), action=action, by=wish.by, why=wish.why))
            return read_info(connection, row)

    @operation("PUT /services/{name}/rollout")
    def ask(self, name: str, ask: RolloutAsk) -> Rollout:
        """Have the rollout that is under way go on at once, or return.

        Raises
        ------
        NotFoundError
            If there is no service of that name.
        NoRolloutError
            If none is under way.
        """
        check_author(ask.by, ask.why)
        with self._store.database.write() as connection:
            lock_service(connection, name)
            rollout = current_rollout(connection, name)
            if rollout is None or rollout.is_ended:
                raise NoRolloutError(name, ask.wanted)
            save_asked(connection, rollout, ask.wanted)
            wish_for(connection, name)
            facts = {"rollout": rollout.number, "revision": rollout.revision}
            action = f"ask to {ask.wanted}"
            self._tell(NewEntry(subject=subject(name), action=action, facts=facts, by=ask.by, why=ask.why))
        return msgspec.structs.replace(rollout, asked=ask.wanted)

    @operation("GET /services/{name}")
    def get(self, name: str) -> ServiceInfo:
        """Read a service.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self._store.database.read() as connection:
            return read_info(connection, read_service(connection, name))

    @operation("GET /services")
    def list(self, query: ServiceQuery) -> ServicePage:
        """List services by name."""
        check_limit(query.limit)
        found: list[ServiceInfo] = []
        with self._store.database.read() as connection:
            statement = select(service).where(service.c.name > (query.cursor or "")).order_by(service.c.name)
            for row in connection.execute(statement).mappings().all():
                info = read_info(connection, row)
                if _fits(info, query):
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
        with self._store.database.read() as connection:
            read_service(connection, name)
            return RevisionPage(items=tuple(read_revisions(connection, name)))

    @operation("GET /services/{name}/rollouts")
    def rollouts(self, name: str) -> RolloutPage:
        """List every rollout of a service, the newest first.

        Raises
        ------
        NotFoundError
            If there is no such service.
        """
        with self._store.database.read() as connection:
            read_service(connection, name)
            return RolloutPage(items=tuple(read_rollouts(connection, name)))

    def _tell(self, entry: NewEntry) -> None:
        append(self._store.database, entry, dt.datetime.now(dt.UTC))


def check_author(by: str, why: str) -> None:
    """Pass if these may stand in the ledger.

    Raises
    ------
    InvalidValueError
        If one holds control characters or is too long, or nobody is named.
    """
    check_label("by", by)
    if why:
        check_label("why", why)


def _check_tags(tags: dict[str, str]) -> None:
    for key, text in tags.items():
        check_label("tag", key)
        check_label(f"tag {key}", text)


def _fits(info: ServiceInfo, query: ServiceQuery) -> bool:
    revision = info.revision
    models = {*revision.models, *(model.partition(":")[0] for model in revision.models)}
    images = {revision.image, revision.image.partition(":")[0]}
    tags = {*info.tags, *(f"{key}={text}" for key, text in info.tags.items())}
    return (
        query.target in (None, revision.target)
        and (query.model is None or query.model in models)
        and (query.image is None or query.image in images)
        and (query.tag is None or query.tag in tags)
    )
