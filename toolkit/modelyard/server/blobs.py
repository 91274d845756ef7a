"""Blobs over HTTP: streamed with constant memory, resumed where they were cut, checked at the end.

``PUT /blobs/{sha256}`` with ``Content-Range: bytes START-END/TOTAL`` adds to what has arrived, which
``GET /blobs/{sha256}/arrived`` tells. The blob exists once all has arrived and has the right digest.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

import msgspec
from flask import Flask, Response, request, send_file

from modelyard.errors import DigestMismatchError, InvalidValueError, MissingBlobError, StateError
from modelyard.server.access import Access
from modelyard.store.blobs import CHUNK, BlobFolder, check_digest, full_disk_explained, sync_file

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


class BlobRoutes:
    """The routes that take and give blobs."""

    def __init__(self, blobs: BlobFolder, access: Access) -> None:
        self._blobs = blobs
        self._access = access

    def bind(self, app: Flask, prefix: str) -> None:
        """Add the routes to `app`."""
        app.add_url_rule(f"{prefix}/blobs/missing", view_func=self.missing, methods=["POST"])
        app.add_url_rule(f"{prefix}/blobs/<sha256>", view_func=self.give, methods=["GET"])
        app.add_url_rule(f"{prefix}/blobs/<sha256>", view_func=self.take, methods=["PUT"])
        app.add_url_rule(f"{prefix}/blobs/<sha256>/arrived", view_func=self.arrived, methods=["GET"])

    def missing(self) -> Response:
        """Say which of the digests in the body are not kept."""
        self._access.check("contributor")
        try:
            digests = msgspec.json.decode(request.get_data(cache=False), type=list[str])
        except msgspec.DecodeError as error:
            raise InvalidValueError("request body", str(error)) from None
        return _json(sorted(self._blobs.missing(digests)))

    def give(self, sha256: str) -> Response:
        """Send a blob, or the range of it that is asked for."""
        self._access.check("reader")
        path = self._blobs.path(check_digest(sha256))
        if not path.is_file():
            raise MissingBlobError(sha256)
        return send_file(path, mimetype="application/octet-stream", conditional=True, etag=False, as_attachment=True)

    def arrived(self, sha256: str) -> Response:
        """Say how many bytes of an unfinished upload have arrived."""
        self._access.check("contributor")
        try:
            size = self._part(sha256).stat().st_size
        except FileNotFoundError:  # nothing has, or another client has just sent the last of it
            size = 0
        return _json({"arrived": size})

    def take(self, sha256: str) -> Response:
        """Add a range to an upload; at its end, check the digest and keep the blob.

        Raises
        ------
        StateError
            If the range does not begin where the arrived bytes end, or another client is sending the same blob.
        DigestMismatchError
            If all has arrived and is not what `sha256` promises; what arrived is dropped.
        """
        self._access.check("contributor")
        request.max_content_length = 1 << 62  # any: a blob is never held whole
        start, total = self._range()
        if not self._blobs.missing([sha256]):
            return _json({"arrived": total}, 201)
        with full_disk_explained(self._blobs.root), self._held(sha256) as file:
            arrived = file.seek(0, os.SEEK_END)
            if start != arrived:
                raise StateError(f"The upload of {sha256}", f"at byte {arrived}", f"go on at byte {start}")
            arrived += _receive(file, total - arrived)
            if arrived < total:
                return _json({"arrived": arrived}, 202)
            self._finish(file, sha256)
        return _json({"arrived": total}, 201)

    def _range(self) -> tuple[int, int]:
        length = request.content_length
        if (text := request.headers.get("content-range")) is None:
            if length is None:
                raise InvalidValueError("content-length", "a blob is sent with its length")
            return 0, length
        match = _RANGE.fullmatch(text)
        if match is None or not int(match[1]) <= int(match[2]) < int(match[3]):
            raise InvalidValueError(f"content-range {text[:60]!r}", "write bytes START-END/TOTAL")
        return int(match[1]), int(match[3])

    def _part(self, sha256: str) -> Path:
        return self._blobs.incoming / f"{check_digest(sha256)}.part"

    @contextmanager
    def _held(self, sha256: str) -> Iterator[BufferedRandom]:
        part = self._part(sha256)
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("a+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateError(f"The upload of {sha256}", "in progress", "be taken twice at a time") from None
            yield file

    def _finish(self, file: BufferedRandom, sha256: str) -> None:
        sync_file(file)
        file.seek(0)
        part = self._part(sha256)
        actual = hashlib.file_digest(file, "sha256").hexdigest()
        if actual != sha256:
            part.unlink(missing_ok=True)
            raise DigestMismatchError("the upload", sha256, actual)
        self._blobs.adopt(part, sha256)


def _receive(file: BufferedRandom, expected: int) -> int:
    """Write what the client sends, at most `expected` bytes; what came before a cut connection stays."""
    received = 0
    try:
        while received < expected and (chunk := request.stream.read(min(CHUNK, expected - received))):
            file.write(chunk)
            received += len(chunk)
    except (ConnectionError, TimeoutError, BlockingIOError):
        pass  # the client asks how much has arrived, and goes on there
    finally:
        file.flush()
    return received


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, mimetype="application/json")
