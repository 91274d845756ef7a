"""What can be done with the environments of a workspace."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import msgspec
from msgspec import structs
from sqlalchemy import Connection, Row, insert, select, update

from modelyard.environments.lock import Lock
from modelyard.environments.registered import (
    EnvironmentLock,
    EnvironmentQuery,
    EnvironmentVersion,
    NewEnvironment,
    NewEnvironmentLock,
)
from modelyard.environments.specification import EnvironmentSpec
from modelyard.environments.tables import environment, environment_lock, environment_version, environment_wheel
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.names import check_name
from modelyard.operation import Page, operation
from modelyard.paging import check_limit
from modelyard.store.references import refer
from modelyard.store.store import Store


class Environments:
    """What can be done with environments: a version, once registered, never changes."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._blobs = store.blobs

    @operation("POST /environments/{name}/versions")
    def register(self, name: str, new: NewEnvironment) -> EnvironmentVersion:
        """Keep a specification as the next version, or return the latest one if that asks for the same.

        Raises
        ------
        InvalidNameError
            If the name breaks the rule for names.
        MissingBlobError
            If a private wheel has not been uploaded.
        """
        check_name("an environment", name)
        spec = structs.replace(new.spec, name=name)
        with self._database.write() as connection:
            refer(self._database, self._blobs, (wheel.sha256 for wheel in spec.wheels))
            row = self._database.insert(environment).values(name=name, last_version=0)
            connection.execute(row.on_conflict_do_nothing())
            # Locks the row where the database has such locks: versions are counted one writer at a time.
            this = environment.c.name == name
            last = connection.execute(select(environment.c.last_version).where(this).with_for_update()).scalar_one()
            latest = _find(connection, name, last)
            if latest is not None and latest.digest == spec.digest:
                return _version(latest)
            connection.execute(update(environment).where(this).values(last_version=last + 1))
            return _insert(connection, spec, last + 1)

    @operation("GET /environments/{name}/versions/{version}")
    def get(self, name: str, version: int) -> EnvironmentVersion:
        """Read a version.

        Raises
        ------
        NotFoundError
            If there is no such environment, or no such version of it.
        """
        with self._database.read() as connection:
            last = _last_version(connection, name)
            row = _find(connection, name, version)
        if row is None:
            raise NotFoundError("environment", f"{name}:{version}", [f"{name}:{v}" for v in range(last, 0, -1)][:100])
        return _version(row)

    @operation("GET /environments/{name}")
    def latest(self, name: str) -> EnvironmentVersion:
        """Read the latest version.

        Raises
        ------
        NotFoundError
            If there is no such environment.
        """
        with self._database.read() as connection:
            last = _last_version(connection, name)
        return self.get(name, last)

    @operation("GET /environments")
    def list(self, query: EnvironmentQuery) -> Page[EnvironmentVersion]:
        """List environments by name, each in its latest version."""
        limit = check_limit(query.limit)
        versions = environment_version.c
        statement = (
            select(environment_version)
            .join(environment, (versions.name == environment.c.name) & (versions.version == environment.c.last_version))
            .where(versions.name > (query.cursor or ""))
            .order_by(versions.name)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement.limit(limit + 1)).all()
        cursor = rows[limit - 1].name if len(rows) > limit else None
        return Page(items=tuple(_version(row) for row in rows[:limit]), cursor=cursor)

    @operation("GET /environments/{name}/versions")
    def versions(self, name: str, query: EnvironmentQuery) -> Page[EnvironmentVersion]:
        """List the versions of an environment, the newest first.

        Raises
        ------
        NotFoundError
            If there is no such environment.
        """
        limit = check_limit(query.limit)
        statement = select(environment_version).where(environment_version.c.name == name)
        if query.cursor is not None:
            if not query.cursor.isdecimal():
                raise InvalidValueError(f"cursor {query.cursor[:40]!r}", "give one that a page of versions had")
            statement = statement.where(environment_version.c.version < int(query.cursor))
        statement = statement.order_by(environment_version.c.version.desc()).limit(limit + 1)
        with self._database.read() as connection:
            _last_version(connection, name)
            rows = connection.execute(statement).all()
        cursor = str(rows[limit - 1].version) if len(rows) > limit else None
        return Page(items=tuple(_version(row) for row in rows[:limit]), cursor=cursor)

    @operation("PUT /environments/{name}/versions/{version}/locks/{platform}")
    def keep_lock(self, name: str, version: int, platform: str, new: NewEnvironmentLock) -> EnvironmentLock:
        """Keep a lock for a version on one platform, and return the one that is kept.

        Raises
        ------
        NotFoundError
            If there is no such version.
        MissingBlobError
            If the lock has not been uploaded.
        InvalidValueError
            If the blob is not a resolved lock of this version for this platform.
        """
        lock = self._read_lock(self.get(name, version), platform, new.sha256)
        row = {
            "name": name,
            "version": version,
            "platform": platform,
            "sha256": new.sha256,
            "digest": lock.digest,
            "created": time.time(),
        }
        key = ["name", "version", "platform"]
        statement = self._database.insert(environment_lock).values(row)
        with self._database.write() as connection:
            refer(self._database, self._blobs, [new.sha256])
            if new.replace:
                kept = {column: row[column] for column in ("sha256", "digest", "created")}
                connection.execute(statement.on_conflict_do_update(index_elements=key, set_=kept))
            else:
                connection.execute(statement.on_conflict_do_nothing(index_elements=key))
            return self.get_lock(name, version, platform)

    @operation("GET /environments/{name}/versions/{version}/locks/{platform}")
    def get_lock(self, name: str, version: int, platform: str) -> EnvironmentLock:
        """Say which lock is kept for a version on one platform; the lock itself is a blob.

        Raises
        ------
        NotFoundError
            If none is kept.
        """
        this = (environment_lock.c.name == name) & (environment_lock.c.version == version)
        with self._database.read() as connection:
            found = {row.platform: row for row in connection.execute(select(environment_lock).where(this))}
        if platform not in found:
            raise NotFoundError("lock", f"{name}:{version} for {platform}", sorted(found))
        row = found[platform]
        return EnvironmentLock(
            name=name, version=version, platform=platform, sha256=row.sha256, digest=row.digest, created=_time(row)
        )

    def _read_lock(self, of: EnvironmentVersion, platform: str, sha256: str) -> Lock:
        try:
            lock = Lock.from_json(self._blobs.read(sha256))
        except msgspec.DecodeError as error:
            raise InvalidValueError(f"blob {sha256}", f"it is not a lock: {error}") from None
        if (lock.kind, lock.platform, lock.spec) != ("resolved", platform, of.digest):
            reason = f"a resolved lock of {of.name}:{of.version} for {platform} is needed"
            raise InvalidValueError(f"lock {sha256}", reason)
        return lock


def _insert(connection: Connection, spec: EnvironmentSpec, version: int) -> EnvironmentVersion:
    now = dt.datetime.now(dt.UTC)
    row = {"name": spec.name, "version": version, "digest": spec.digest, "created": now.timestamp()}
    connection.execute(insert(environment_version).values(row | {"document": msgspec.json.encode(spec)}))
    for sha256 in {wheel.sha256 for wheel in spec.wheels}:
        connection.execute(insert(environment_wheel).values(name=spec.name, version=version, sha256=sha256))
    return EnvironmentVersion(name=spec.name, version=version, digest=spec.digest, spec=spec, created=now)


def _find(connection: Connection, name: str, version: int) -> Row[Any] | None:
    this = (environment_version.c.name == name) & (environment_version.c.version == version)
    return connection.execute(select(environment_version).where(this)).first()


def _last_version(connection: Connection, name: str) -> int:
    last = connection.execute(select(environment.c.last_version).where(environment.c.name == name)).scalar()
    if last is None:
        known = connection.execute(select(environment.c.name).order_by(environment.c.name).limit(1000)).scalars()
        raise NotFoundError("environment", name, known.all())
    return int(last)


def _version(row: Row[Any]) -> EnvironmentVersion:
    spec = msgspec.json.decode(row.document, type=EnvironmentSpec)
    return EnvironmentVersion(name=row.name, version=row.version, digest=row.digest, spec=spec, created=_time(row))


def _time(row: Row[Any]) -> dt.datetime:
    return dt.datetime.fromtimestamp(row.created, dt.UTC)
