"""What can be done with the files of runs."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from msgspec import Struct
from sqlalchemy import func, select

from modelyard.errors import AlreadyExistsError, InvalidValueError
from modelyard.names import check_path
from modelyard.operation import Page, operation
from modelyard.store.references import refer
from modelyard.store.store import Store
from modelyard.tracking.rows import find_key
from modelyard.tracking.tables import run_file


class NewFile(Struct, frozen=True, kw_only=True):
    """A file by its path in the run (``/`` between parts); its bytes are a blob that is kept already."""

    path: str
    sha256: str
    size: int


class NewFiles(Struct, frozen=True, kw_only=True):
    """Files to give a run, all or none; with `replace` they take the place of those that have the same paths."""

    files: tuple[NewFile, ...]
    replace: bool = False


class FileInfo(Struct, frozen=True, kw_only=True):
    """A file of a run; `created` is UTC."""

    path: str
    sha256: str
    size: int
    created: dt.datetime


class FileQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which files of a run to list, by path: this one, or those below the folder `below`; `limit` is 1 to 10,000."""

    path: str | None = None
    below: str | None = None
    cursor: str | None = None
    limit: int = 10_000


class Files:
    """What can be done with the files of runs."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._blobs = store.blobs

    @operation("POST /runs/{run_id}/files")
    def add(self, run_id: str, new: NewFiles) -> None:
        """Give a run files whose bytes are kept already; a file that is there with the same content stays.

        Raises
        ------
        NotFoundError
            If there is no such run.
        InvalidPathError
            If a path is not a relative path.
        MissingBlobError
            If a file's bytes are not kept.
        AlreadyExistsError
            If a path is taken by other content, and `new` does not ask to replace it.
        """
        for file in new.files:
            check_path(file.path)
        now = time.time()
        with self._database.write() as connection:
            key = find_key(connection, run_id)
            refer(self._database, self._blobs, (file.sha256 for file in new.files))
            for file in new.files:
                row = {"run": key, "path": file.path, "sha256": file.sha256, "size": file.size, "created": now}
                insert = self._database.insert(run_file).values(row)
                if new.replace:
                    insert = insert.on_conflict_do_update(index_elements=["run", "path"], set_=row)
                else:
                    insert = insert.on_conflict_do_nothing()
                if connection.execute(insert.returning(run_file.c.path)).first() is None:
                    this = (run_file.c.run == key) & (run_file.c.path == file.path)
                    if connection.execute(select(run_file.c.sha256).where(this)).scalar() != file.sha256:
                        remedy = "Take another path, or replace it with overwrite=True."
                        raise AlreadyExistsError("file", f"{run_id}/{file.path}", remedy)

    @operation("GET /runs/{run_id}/files")
    def list(self, run_id: str, query: FileQuery) -> Page[FileInfo]:
        """List the files of a run by path.

        Raises
        ------
        NotFoundError
            If there is no such run.
        """
        if not 1 <= query.limit <= 10_000:
            raise InvalidValueError("limit", f"1 to 10000, not {query.limit}")
        with self._database.read() as connection:
            statement = select(run_file).where(run_file.c.run == find_key(connection, run_id))
            if query.path is not None:
                statement = statement.where(run_file.c.path == query.path)
            if query.below:
                folder = query.below.rstrip("/") + "/"
                statement = statement.where(func.substr(run_file.c.path, 1, len(folder)) == folder)
            if query.cursor is not None:
                statement = statement.where(run_file.c.path > query.cursor)
            statement = statement.order_by(run_file.c.path).limit(query.limit + 1)
            found = [_info(row) for row in connection.execute(statement)]
        more = len(found) > query.limit
        return Page(items=tuple(found[: query.limit]), cursor=found[query.limit - 1].path if more else None)


def _info(row: Any) -> FileInfo:
    created = dt.datetime.fromtimestamp(row.created, dt.UTC)
    return FileInfo(path=row.path, sha256=row.sha256, size=row.size, created=created)
