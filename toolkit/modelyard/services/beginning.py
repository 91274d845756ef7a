"""The beginning of a rollout: what is checked, and the rows it starts with."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, RowMapping

from modelyard.errors import InvalidValueError, NotFoundError, StateError
from modelyard.images.operations import hold_image, release_image
from modelyard.ledger.entry import NewEntry
from modelyard.ledger.operations import append
from modelyard.services.errors import RolloutUnderWayError
from modelyard.services.policy import Policy
from modelyard.services.rollout import Begun, NewRollout, Rollout
from modelyard.services.rows import (
    add_rollout,
    lock_service,
    read_revisions,
    read_rollouts,
    settings_of,
    standing_of,
    subject,
    use,
    wish_for,
    write_revision,
)
from modelyard.services.service import Revision, ServiceStanding
from modelyard.services.settings import ServiceSettings
from modelyard.services.tables import service
from modelyard.store.database import Database


def begin(database: Database, connection: Connection, name: str, new: NewRollout) -> Begun:
    """Write what is wanted, in the caller's transaction; the service is made with its first rollout."""
    now = dt.datetime.now(dt.UTC)
    row = _service(database, connection, name, new, now)
    settings, serving = _configure(connection, row, new), standing_of(row).serving
    _check_policy(new.policy, settings)
    rollouts = read_rollouts(connection, name)
    under_way = [one for one in rollouts if not one.is_ended]
    revisions = read_revisions(connection, name)
    revision = (
        _again(database, revisions, name, new, now) if new.revision else _next(database, revisions, name, new, now)
    )
    heading_for = under_way[0].revision if under_way else serving
    there = next((one for one in revisions if one.number == heading_for), None)
    if there is not None and _are_same(there, revision):
        if there.number != revision.number:
            release_image(connection, use(name, revision.number))
        return Begun(service=name, revision=there.number, rollout=under_way[0].number if under_way else None)
    if serving is not None and settings.port and not settings.routed:
        raise InvalidValueError(f"port {settings.port}", "without the router only one revision can have it")
    if under_way and not new.queue:
        raise RolloutUnderWayError(name, under_way[-1].number, under_way[-1].revision)
    write_revision(database, connection, revision)
    rollout = Rollout(
        service=name,
        number=1 + max((one.number for one in rollouts), default=0),
        revision=revision.number,
        base=serving,
        policy=new.policy,
        state="queued" if under_way else "starting",
        by=new.by,
        why=new.why,
        created=now,
        changed=now,
    )
    add_rollout(connection, rollout)
    facts = {"rollout": rollout.number, "revision": revision.number, "image": revision.image, "digest": revision.digest}
    facts |= {"target": revision.target, "policy": new.policy.kind, "from": serving}
    action = "roll back" if new.revision else "deploy"
    append(database, NewEntry(subject=subject(name), action=action, facts=facts, by=new.by, why=new.why), now)
    return Begun(service=name, revision=revision.number, rollout=rollout.number)


def _service(database: Database, connection: Connection, name: str, new: NewRollout, now: dt.datetime) -> RowMapping:
    """Read the service's row, made if there is none, and keep others from changing it."""
    if new.revision is None:
        values = {
            "name": name,
            "created": now.timestamp(),
            "tags": msgspec.json.encode(new.tags or {}),
            "settings": msgspec.json.encode(new.settings or ServiceSettings()),
            "wanted": "running",
            "wishes": 0,
            "settled": 0,
            "machine": new.machine,
            "standing": msgspec.json.encode(ServiceStanding(machine=new.machine)),
        }
        connection.execute(database.insert(service).values(values).on_conflict_do_nothing())
    row = lock_service(connection, name)
    if row["wanted"] == "deleted":
        raise StateError(f"The service {name}", "being deleted", "be deployed to; wait until it is gone")
    return row


def _configure(connection: Connection, row: RowMapping, new: NewRollout) -> ServiceSettings:
    """Write the settings and tags that come with a deployment, and that the service is to run."""
    old = settings_of(row)
    if new.settings is not None and new.settings.routed != old.routed:
        raise InvalidValueError("routed", "delete the service and deploy it anew to change that")
    values: dict[str, Any] = {"wanted": "running"}
    if new.settings is not None:
        values["settings"] = msgspec.json.encode(new.settings)
    if new.tags is not None:
        values["tags"] = msgspec.json.encode(new.tags)
    wish_for(connection, row["name"], **values)
    return new.settings or old


def _check_policy(policy: Policy, settings: ServiceSettings) -> None:
    if not settings.routed and policy.kind != "all-at-once":
        raise InvalidValueError(f"policy {policy.kind}", "a service without the router is replaced all at once")


def _are_same(one: Revision, other: Revision) -> bool:
    return (one.digest, one.target) == (other.digest, other.target)


def _again(database: Database, revisions: list[Revision], name: str, new: NewRollout, now: dt.datetime) -> Revision:
    """Find the revision that is to serve again, and hold its image."""
    found = next((one for one in revisions if one.number == new.revision), None)
    if found is None:
        raise NotFoundError("revision", f"{name}/{new.revision}", [f"{name}/{one.number}" for one in revisions])
    if found.state == "failed":
        raise StateError(f"Revision {found.number} of {name}", "failed", "serve again; deploy its image anew")
    hold_image(database, found.image, use(name, found.number))
    return found if found.state == "running" else replace(found, state="deploying", changed=now)


def _next(database: Database, revisions: list[Revision], name: str, new: NewRollout, now: dt.datetime) -> Revision:
    """Make the next revision, and hold its image."""
    number = 1 + max((one.number for one in revisions), default=0)
    image = hold_image(database, new.image, use(name, number))
    return Revision(
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
