"""Blobs from a registry: in constant memory, resumed where a connection was cut, kept only when they are right."""

from __future__ import annotations

import hashlib
import re
from typing import BinaryIO

import httpx

from modelyard.images.oci.connection import Call, Connection
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.errors import RegistryUnreachableError, WrongContentError
from modelyard.images.oci.patience import PassingError
from modelyard.images.oci.progress import Progress
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.side_by_side import Stop
from modelyard.store.blobs import BlobFolder, full_disk_explained, sync_file, temporary_file

_RANGE = re.compile(r"bytes (?P<start>[0-9]{1,16})-[0-9]{1,16}/(?:[0-9]{1,16}|\*)")


class Download:
    """Fetches blobs of one repository into `blobs`; those that are there are not fetched."""

    def __init__(
        self, connection: Connection, reference: ImageReference, blobs: BlobFolder, progress: Progress, stop: Stop
    ) -> None:
        self._connection = connection
        self._reference = reference
        self._blobs = blobs
        self._progress = progress
        self._stop = stop

    def fetch(self, descriptor: Descriptor) -> None:
        """Fetch one blob.

        Raises
        ------
        RegistryError
            If the registry does not give it, or gives something else.
        StorageFullError
            If there is no room for it here; nothing of it is left.
        """
        if self._blobs.missing([descriptor.sha256]):
            self._blobs.incoming.mkdir(parents=True, exist_ok=True)
            with full_disk_explained(self._blobs.root), temporary_file(self._blobs.incoming) as (file, path):
                part = _Part(file, descriptor.size)
                self._connection.patience.keep_trying(
                    lambda: self._go_on(descriptor, part), progress=lambda: part.done, pause=self._stop.pause
                )
                if part.digest.hexdigest() != descriptor.sha256:
                    raise self._wrong(descriptor, "it sent other bytes")
                sync_file(file)
                self._blobs.adopt(path, descriptor.sha256)
        self._progress(descriptor, descriptor.size)

    def _go_on(self, descriptor: Descriptor, part: _Part) -> None:
        if part.is_whole:
            return
        call = Call(
            method="GET",
            target=f"{self._reference.repository}/blobs/{descriptor.digest}",
            image=str(self._reference),
            scope=(f"repository:{self._reference.repository}:pull",),
            expected=frozenset({200, 206}),
            headers={"range": f"bytes={part.done}-"} if part.done else {},
        )
        with self._connection.stream(call) as response:
            if part.done and not _goes_on_at(response, part.done):
                part.restart()
            for chunk in response.iter_raw():  # as they come: what is gathered first is lost when the connection is cut
                self._stop.check()
                part.take(chunk)
                self._progress(descriptor, min(part.done, descriptor.size))
                if part.done > descriptor.size:
                    raise self._wrong(descriptor, f"it sent more than its {descriptor.size} bytes")
        if not part.is_whole:
            raise PassingError(RegistryUnreachableError(self._connection.registry, "it ends its answers too early"))

    def _wrong(self, descriptor: Descriptor, reason: str) -> WrongContentError:
        return WrongContentError(self._connection.registry, descriptor.digest, reason)


class _Part:
    """What has come of a blob so far."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.done = 0
        self.digest = hashlib.sha256()

    @property
    def is_whole(self) -> bool:
        return self.done == self._size

    def take(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self.digest.update(chunk)
        self.done += len(chunk)

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self.digest = hashlib.sha256()
        self.done = 0


def _goes_on_at(response: httpx.Response, start: int) -> bool:
    """Say whether an answer begins at byte `start`; one that does not has the whole."""
    match = _RANGE.fullmatch(response.headers.get("content-range", ""))
    return response.status_code == httpx.codes.PARTIAL_CONTENT and match is not None and int(match["start"]) == start
