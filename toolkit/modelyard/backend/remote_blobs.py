"""Blobs on a server: sent and fetched with constant memory, resumed after a cut connection."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import httpx
import msgspec

from modelyard.backend.transport import Transport
from modelyard.errors import DigestMismatchError, StateError
from modelyard.store.blobs import CHUNK, check_digest, full_disk_explained, temporary_file

_TRIES = 8
"""How often in a row a transfer may be cut without a byte getting through."""


class RemoteBlobs:
    """The blobs of the server behind `transport`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def put(self, source: Path | bytes) -> str:
        """Send a file or bytes unless the server has them, and return the sha256.

        Raises
        ------
        UnreachableError
            If the connection is cut again and again with nothing getting through.
        """
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            if self.missing([sha256]):
                self._send(sha256, file, file.seek(0, io.SEEK_END))
        return sha256

    def missing(self, digests: Iterable[str]) -> set[str]:
        """Ask which of `digests` the server does not have."""
        body = msgspec.json.encode([check_digest(sha256) for sha256 in digests])
        return set(msgspec.json.decode(self._transport.call("POST", "/blobs/missing", body), type=list[str]))

    def get(self, sha256: str, destination: Path) -> None:
        """Fetch a blob into the file `destination`, which appears only when it is whole and right.

        Raises
        ------
        MissingBlobError
            If the server has none.
        DigestMismatchError
            If what came is damaged.
        UnreachableError
            If the connection is cut again and again with nothing getting through.
        """
        destination.parent.mkdir(parents=True, exist_ok=True)
        with full_disk_explained(destination.parent), temporary_file(destination.parent) as (file, path):
            self._fetch(sha256, file)
            file.flush()
            path.replace(destination)

    def read(self, sha256: str) -> bytes:
        """Fetch a blob into memory, in one piece; meant for small ones."""
        data = self._transport.call("GET", f"/blobs/{check_digest(sha256)}")
        if (actual := hashlib.sha256(data).hexdigest()) != sha256:
            raise DigestMismatchError(f"blob {sha256}", sha256, actual)
        return data

    def _send(self, sha256: str, file: BinaryIO, total: int) -> None:
        def attempt(_done: int) -> int:
            arrived = self._arrived(sha256)
            file.seek(arrived)
            headers = {"content-type": "application/octet-stream", "content-length": str(total - arrived)}
            if arrived < total:
                headers["content-range"] = f"bytes {arrived}-{total - 1}/{total}"
            answer = self._transport.send(f"/blobs/{sha256}", _chunks(file), headers)
            return int(msgspec.json.decode(answer)["arrived"])

        self._persist(attempt, total, lambda: self._arrived(sha256))

    def _fetch(self, sha256: str, file: BinaryIO) -> None:
        digest = hashlib.sha256()

        def attempt(done: int) -> int:
            with self._transport.receive(f"/blobs/{check_digest(sha256)}", done) as chunks:
                for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
            return -1

        self._persist(attempt, -1, file.tell)
        if (actual := digest.hexdigest()) != sha256:
            raise DigestMismatchError(f"blob {sha256}", sha256, actual)

    def _persist(self, attempt: Callable[[int], int], end: int, progress: Callable[[], int]) -> None:
        """Try until `attempt` returns `end`, as long as now and then something gets through."""
        done, idle = 0, 0
        while True:
            try:
                if attempt(done) == end:
                    return
            except (httpx.TransportError, StateError) as error:
                if idle == _TRIES:
                    if isinstance(error, StateError):
                        raise
                    raise self._transport.unreachable(error) from error
            before, done = done, progress()
            idle = 0 if done > before else idle + 1
            time.sleep(0.1 * 2**idle if idle else 0)

    def _arrived(self, sha256: str) -> int:
        return int(msgspec.json.decode(self._transport.call("GET", f"/blobs/{sha256}/arrived"))["arrived"])


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
