"""The logs of runs, while they are written and after: files beside the database that grow at their end."""

from __future__ import annotations

import fcntl
from pathlib import Path

from msgspec import Struct

from modelyard.errors import InvalidValueError, NotFoundError, StateError
from modelyard.names import check_path
from modelyard.operation import Page, operation
from modelyard.store.blobs import full_disk_explained
from modelyard.store.store import Store
from modelyard.tracking.rows import find_key

MAX_CHUNK = 1 << 20
"""Bytes that one chunk may have."""


class LogChunk(Struct, frozen=True, kw_only=True):
    """Bytes for the end of a log; `offset` is how many bytes the writer has sent before, so that none comes twice."""

    path: str
    offset: int
    data: bytes


class LogQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which bytes of which log to read: from `offset`, at most 1 MiB."""

    path: str
    offset: int = 0


class LogPart(Struct, frozen=True, kw_only=True):
    """Bytes of a log; the next ones begin at `end`."""

    data: bytes
    end: int


class LogInfo(Struct, frozen=True, kw_only=True):
    """A log and how many bytes it has."""

    path: str
    size: int


class Logs:
    """What can be done with the logs of runs."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._root = store.root / "logs"

    @operation("POST /runs/{run_id}/logs")
    def append(self, run_id: str, chunk: LogChunk) -> None:
        """Add to the end of a log; what it has already of the chunk is passed over.

        Raises
        ------
        NotFoundError
            If there is no such run.
        StateError
            If the log ends before the chunk's offset: something before it has not arrived.
        """
        if len(chunk.data) > MAX_CHUNK:
            raise InvalidValueError("log chunk", f"may have {MAX_CHUNK:,} bytes, not {len(chunk.data):,}")
        file = self._file(run_id, chunk.path)
        with full_disk_explained(self._root):
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab", buffering=0) as log:
                fcntl.flock(log, fcntl.LOCK_EX)
                size = log.seek(0, 2)
                if chunk.offset > size:
                    raise StateError(
                        f"Log {chunk.path} of run {run_id}", f"{size} bytes long", f"go on at {chunk.offset}"
                    )
                rest = memoryview(chunk.data)[size - chunk.offset :]
                while rest:
                    rest = rest[log.write(rest) :]

    @operation("GET /runs/{run_id}/log")
    def read(self, run_id: str, query: LogQuery) -> LogPart:
        """Read some of a log; nothing at its end.

        Raises
        ------
        NotFoundError
            If there is no such run or log.
        """
        file = self._file(run_id, query.path)
        if query.offset < 0:
            raise InvalidValueError("offset", f"0 or more, not {query.offset}")
        try:
            with file.open("rb") as log:
                log.seek(query.offset)
                data = log.read(MAX_CHUNK)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFoundError("log", query.path, [log.path for log in self.list(run_id).items]) from None
        return LogPart(data=data, end=query.offset + len(data))

    @operation("GET /runs/{run_id}/logs")
    def list(self, run_id: str) -> Page[LogInfo]:
        """List the logs of a run by path.

        Raises
        ------
        NotFoundError
            If there is no such run.
        """
        folder = self._folder(run_id)
        files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
        found = (LogInfo(path=str(path.relative_to(folder)), size=path.stat().st_size) for path in files)
        return Page(items=tuple(found))

    def _folder(self, run_id: str) -> Path:
        with self._database.read() as connection:
            find_key(connection, run_id)
        return self._root / run_id  # one that is there: its id is a name and a number

    def _file(self, run_id: str, path: str) -> Path:
        return self._folder(run_id) / check_path(path)
