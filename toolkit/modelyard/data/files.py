"""What can be done with the files that the workspace itself keeps for a datastore."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, delete, or_, select

from modelyard.data.access import StoredFile
from modelyard.data.datastores import find_datastore, kind_of
from modelyard.data.errors import FilesDifferError
from modelyard.data.kinds import WorkspaceFiles
from modelyard.data.paths import check_stored_path
from modelyard.data.streams import in_streams
from modelyard.data.tables import datastore_file
from modelyard.errors import DigestMismatchError, InvalidValueError, StateError
from modelyard.operation import Page, operation
from modelyard.paging import check_limit
from modelyard.store.references import refer
from modelyard.store.store import Store

MOST = 1000
"""Files that one call takes."""


class NewStoredFile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file by its path; its bytes are a blob that is kept already, or come along (`data`) if they are few."""

    path: str
    sha256: str
    size: int
    executable: bool = False
    data: bytes | None = None


class NewStoredFiles(Struct, frozen=True, kw_only=True):
    """Files to keep, at most 1000, all or none; with `replace` they take the place of those at the same paths."""

    files: tuple[NewStoredFile, ...]
    replace: bool = False


class StoredFileQuery(Struct, frozen=True, kw_only=True):
    """Which files to list, by path: that at `prefix` and those below it; `limit` is 1 to 1000."""

    prefix: str = ""
    cursor: str | None = None
    limit: int = MOST


class RemoveStoredFiles(Struct, frozen=True, kw_only=True):
    """Files to remove, at most 1000, by their paths."""

    paths: tuple[str, ...]


class StoredFiles:
    """What can be done with the files of a datastore of the kind ``workspace``."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._blobs = store.blobs

    @operation("POST /datastores/{name}/files")
    def add(self, name: str, new: NewStoredFiles) -> None:
        """Keep files whose bytes are kept already, or come along; a file that is there with the same content stays.

        Raises
        ------
        NotFoundError
            If there is no such datastore.
        StateError
            If it keeps its files elsewhere.
        InvalidPathError
            If a path is not a relative path of at most 1024 bytes.
        MissingBlobError
            If a file's bytes are not kept.
        DigestMismatchError
            If bytes that come along are not what the digest beside them says.
        FilesDifferError
            If other content is at a path, and `new` does not ask to replace it.
        """
        _check_count(len(new.files))
        now = time.time()
        for file in new.files:
            check_stored_path(file.path)
        for _ in in_streams(self._keep, (file for file in new.files if file.data is not None)):
            pass
        with self._database.write() as connection:
            key = _key(connection, name)
            refer(self._database, self._blobs, (file.sha256 for file in new.files))
            wanted = {file.path: _row(key, file, now) for file in new.files}
            there = _digests(connection, key, list(wanted))
            differing = [path for path, sha256 in there.items() if wanted[path]["sha256"] != sha256]
            if differing and not new.replace:
                raise FilesDifferError(f"The datastore {name!r}", sorted(differing))
            rows = [row for path, row in wanted.items() if path not in there or path in differing]
            if rows:
                insert = self._database.insert(datastore_file)
                changed = {fact: insert.excluded[fact] for fact in ("sha256", "size", "executable", "modified")}
                connection.execute(
                    insert.on_conflict_do_update(index_elements=["datastore", "path"], set_=changed), rows
                )

    @operation("GET /datastores/{name}/files")
    def list(self, name: str, query: StoredFileQuery) -> Page[StoredFile]:
        """List files by path, ordered by its bytes.

        Raises
        ------
        NotFoundError
            If there is no such datastore.
        StateError
            If it keeps its files elsewhere.
        """
        limit = check_limit(query.limit)
        path = datastore_file.c.path
        with self._database.read() as connection:
            statement = select(datastore_file).where(datastore_file.c.datastore == _key(connection, name))
            if query.prefix:
                below = (path > f"{query.prefix}/") & (path < f"{query.prefix}0")  # "0" is what follows "/"
                statement = statement.where(or_(path == query.prefix, below))
            if query.cursor is not None:
                statement = statement.where(path > query.cursor)
            rows = connection.execute(statement.order_by(path).limit(limit + 1)).all()
        cursor = rows[limit - 1].path if len(rows) > limit else None
        return Page(items=tuple(_stored(row) for row in rows[:limit]), cursor=cursor)

    @operation("POST /datastores/{name}/files/removals")
    def remove(self, name: str, unwanted: RemoveStoredFiles) -> None:
        """Remove files; one that is not there counts as removed.

        Raises
        ------
        NotFoundError
            If there is no such datastore.
        StateError
            If it keeps its files elsewhere.
        """
        _check_count(len(unwanted.paths))
        with self._database.write() as connection:
            these = datastore_file.c.path.in_(unwanted.paths)
            connection.execute(
                delete(datastore_file).where((datastore_file.c.datastore == _key(connection, name)) & these)
            )

    def _keep(self, file: NewStoredFile) -> None:
        if (actual := self._blobs.put(file.data or b"")) != file.sha256:
            raise DigestMismatchError(file.path, file.sha256, actual)


def _check_count(count: int) -> None:
    if count > MOST:
        raise InvalidValueError("files", f"at most {MOST} in one call, not {count}")


def _key(connection: Connection, name: str) -> int:
    row = find_datastore(connection, name)
    if not isinstance(kind_of(row), WorkspaceFiles):
        raise StateError(f"The datastore {name!r}", "one whose files are elsewhere", "keep files in the workspace")
    return int(row["key"])


def _row(key: int, file: NewStoredFile, now: float) -> dict[str, Any]:
    if file.size < 0:
        raise InvalidValueError("size", "a file has at least 0 bytes")
    return {
        "datastore": key,
        "path": file.path,
        "sha256": file.sha256,
        "size": file.size,
        "executable": file.executable,
        "modified": now,
    }


def _digests(connection: Connection, key: int, paths: list[str]) -> dict[str, str]:
    columns = select(datastore_file.c.path, datastore_file.c.sha256)
    these = (datastore_file.c.datastore == key) & datastore_file.c.path.in_(paths)
    return {row.path: row.sha256 for row in connection.execute(columns.where(these))}


def _stored(row: Any) -> StoredFile:
    modified = dt.datetime.fromtimestamp(row.modified, dt.UTC)
    return StoredFile(path=row.path, size=row.size, modified=modified, sha256=row.sha256, executable=row.executable)
