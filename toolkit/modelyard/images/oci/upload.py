"""Blobs to a registry: not again if they are there, mounted where they are next door, resumed after a cut.

A registry that keeps to the specification says how much of a cut upload has arrived, and the rest follows. Distribution
2.8 drops an upload that was cut within a request: there the blob is sent anew.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx

from modelyard.errors import DigestMismatchError
from modelyard.images.oci.answers import codes
from modelyard.images.oci.connection import Call, Connection, beginning
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.errors import InvalidDocumentError, RegistryFailureError, WrongContentError
from modelyard.images.oci.patience import PassingError
from modelyard.images.oci.progress import Progress
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.side_by_side import Stop
from modelyard.store.blobs import CHUNK, BlobFolder

_SMALL = 1 << 20
"""Bytes of a blob that is sent in one request with the end of its upload."""
_LOST = frozenset({400, 404, 416})
"""What a registry answers that has lost an upload, or lost count of it."""
_ARRIVED = re.compile(r"(?:bytes=)?0-(?P<last>[0-9]{1,16})")


class Upload:
    """Sends blobs of `blobs` to one repository.

    Parameters
    ----------
    mount_from
        Another repository of the same registry, which may have them already; empty for none.
    """

    def __init__(
        self,
        connection: Connection,
        reference: ImageReference,
        blobs: BlobFolder,
        *,
        mount_from: str,
        progress: Progress,
        stop: Stop,
    ) -> None:
        self._connection = connection
        self._reference = reference
        self._blobs = blobs
        self._mount_from = mount_from
        self._progress = progress
        self._stop = stop
        pull = (f"repository:{mount_from}:pull",) if mount_from else ()
        self.scope = (f"repository:{reference.repository}:pull,push", *pull)

    def send(self, descriptor: Descriptor) -> None:
        """Send one blob, unless the registry has it.

        Raises
        ------
        RegistryError
            If the registry does not take it.
        MissingBlobError
            If it is not kept here.
        DigestMismatchError
            If what is kept here is damaged.
        """
        session = _Session(descriptor)
        self._connection.patience.keep_trying(
            lambda: self._go_on(session), progress=lambda: session.furthest, pause=self._stop.pause
        )
        self._progress(descriptor, descriptor.size)

    def _go_on(self, session: _Session) -> None:
        """Do what is left of an upload, which may be all of it."""
        if self._is_there(session.descriptor):
            return
        self._check_kept(session.descriptor)
        if not self._is_open(session):
            return
        rest = session.descriptor.size - session.arrived
        if rest and (session.arrived or rest > _SMALL):
            self._append(session)
        self._finish(session)

    def _check_kept(self, descriptor: Descriptor) -> None:
        with self._blobs.open(descriptor.sha256) as file:
            size = os.fstat(file.fileno()).st_size
        if size != descriptor.size:
            reason = f"it says a size of {descriptor.size}, and the blob has {size} bytes"
            raise self._damaged(descriptor) or InvalidDocumentError(f"The descriptor of {descriptor.digest}", reason)

    def _is_there(self, descriptor: Descriptor) -> bool:
        target = f"{self._reference.repository}/blobs/{descriptor.digest}"
        with self._connection.stream(self._call("HEAD", target, {200, 404})) as response:
            return response.status_code == httpx.codes.OK

    def _is_open(self, session: _Session) -> bool:
        """Find the upload again, or begin one; false if the registry took the blob from next door."""
        if session.location:
            with self._connection.stream(self._call("GET", session.location, {200, 204, *_LOST})) as response:
                arrived = _arrived(response) if response.status_code not in _LOST else 0
                if 0 < arrived <= session.descriptor.size:
                    session.go_on(self._connection.location(response), arrived)
                    session.resumed = True
                    return True
        where = f"?mount={quote(session.descriptor.digest)}&from={quote(self._mount_from)}" if self._mount_from else ""
        call = self._call("POST", f"{self._reference.repository}/blobs/uploads/{where}", {201, 202})
        with self._connection.stream(call) as response:
            if response.status_code == httpx.codes.CREATED:
                return False
            session.forget()
            session.go_on(self._connection.location(response), 0)
            return True

    def _append(self, session: _Session) -> None:
        """Send the rest of the bytes."""
        start, size = session.arrived, session.descriptor.size
        headers = {"content-type": "application/octet-stream", "content-length": str(size - start)}
        if start:
            headers["content-range"] = f"{start}-{size - 1}"
        call = self._call("PATCH", session.location, {202, 204, *_LOST})
        call = call.carrying(lambda: self._chunks(session, start), headers)
        with self._connection.stream(call) as response:
            if response.status_code in _LOST:
                raise self._lost(session, response)
            location = self._connection.location(response) if "location" in response.headers else session.location
            session.go_on(location, _arrived(response) if "range" in response.headers else size)
        if session.arrived != size:
            raise PassingError(RegistryFailureError(self._connection.registry, 202, "it took a part of what was sent"))

    def _finish(self, session: _Session) -> None:
        """Say that this was all, with the bytes of a small blob; then the registry checks the digest."""
        start, size = session.arrived, session.descriptor.size
        target = f"{session.location}{'&' if '?' in session.location else '?'}digest={quote(session.descriptor.digest)}"
        headers = {"content-type": "application/octet-stream", "content-length": str(size - start)}
        call = self._call("PUT", target, {201, 204, *_LOST}).carrying(lambda: self._chunks(session, start), headers)
        with self._connection.stream(call) as response:
            if response.status_code in _LOST:
                raise self._lost(session, response)
            kept = response.headers.get("docker-content-digest", session.descriptor.digest)
        if kept != session.descriptor.digest:
            raise self._wrong(session.descriptor, f"it kept the blob as {kept[:90]}")

    def _chunks(self, session: _Session, start: int) -> Iterator[bytes]:
        with self._blobs.open(session.descriptor.sha256) as file:
            file.seek(start)
            done = start
            while chunk := file.read(CHUNK):
                self._stop.check()
                yield chunk
                done += len(chunk)
                self._progress(session.descriptor, done)

    def _lost(self, session: _Session, response: httpx.Response) -> Exception:
        """Make the error for an upload that came to nothing: passing, unless all was sent at once and is not right."""
        found = codes(beginning(response, 1 << 16))
        if "DIGEST_INVALID" in found and not session.resumed:
            return self._wrong(session.descriptor, "it finds another digest in what was sent")
        if response.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            session.forget()
        text = f"the upload was lost ({', '.join(sorted(found)) or 'without a reason'})"
        return PassingError(RegistryFailureError(self._connection.registry, response.status_code, text))

    def _wrong(self, descriptor: Descriptor, reason: str) -> Exception:
        """Say who is to blame for bytes that are not right: what is kept here, or the registry."""
        return self._damaged(descriptor) or WrongContentError(self._connection.registry, descriptor.digest, reason)

    def _damaged(self, descriptor: Descriptor) -> DigestMismatchError | None:
        with self._blobs.path(descriptor.sha256).open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        if actual == descriptor.sha256:
            return None
        return DigestMismatchError(f"The blob {descriptor.sha256}", descriptor.sha256, actual)

    def _call(self, method: str, target: str, expected: set[int]) -> Call:
        return Call(
            method=method,
            target=target,
            image=str(self._reference),
            scope=self.scope,
            expected=frozenset(expected),
        )


class _Session:
    """How far the upload of one blob is."""

    def __init__(self, descriptor: Descriptor) -> None:
        self.descriptor = descriptor
        self.location = ""
        self.arrived = 0
        self.furthest = 0
        self.resumed = False

    def go_on(self, location: str, arrived: int) -> None:
        self.location = location
        self.arrived = arrived
        self.furthest = max(self.furthest, arrived)

    def forget(self) -> None:
        self.location, self.arrived, self.resumed = "", 0, False


def _arrived(response: httpx.Response) -> int:
    """Read how many bytes have arrived; ``0-0``, which may be one byte or none, is taken for none."""
    match = _ARRIVED.fullmatch(response.headers.get("range", ""))
    last = int(match["last"]) if match is not None else 0
    return last + 1 if last else 0
