"""Bytes kept by their sha256, in a folder.

A blob is wholly there under its digest or not at all: it is written to a temporary name, synced, renamed, and the
folder synced. Reading checks the digest.
"""

from __future__ import annotations

import errno
import hashlib
import os
import queue
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from modelyard.errors import DigestMismatchError, InvalidValueError, MissingBlobError, StorageFullError

CHUNK = 1 << 20
"""Bytes that are read or written at a time."""

_BEHIND = 8
"""Chunks that may be in memory between writing and hashing."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Blobs(Protocol):
    """Where bytes are kept by their sha256 (64 lower-case hexadecimal digits), here or on a server."""

    def put(self, source: Path | bytes) -> str:
        """Keep a file or bytes, and return the sha256."""

    def missing(self, digests: Iterable[str]) -> set[str]:
        """Say which of `digests` are not kept."""

    def get(self, sha256: str, destination: Path) -> None:
        """Write a blob to the file `destination`, which appears only when it is whole and right."""

    def read(self, sha256: str) -> bytes:
        """Return a blob; meant for small ones."""


def check_digest(sha256: str) -> str:
    """Return `sha256`.

    Raises
    ------
    InvalidValueError
        If it is not 64 lower-case hexadecimal digits.
    """
    if _DIGEST.fullmatch(sha256) is None:
        raise InvalidValueError(f"digest {sha256[:80]!r}", "a sha256 is 64 lower-case hexadecimal digits")
    return sha256


class BlobFolder:
    """Blobs in the folder `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"

    def path(self, sha256: str) -> Path:
        """Say where a blob is, or would be."""
        return self.root / sha256[:2] / sha256

    def put(self, source: Path | bytes) -> str:
        """Keep a file or bytes, and return the sha256.

        Raises
        ------
        StorageFullError
            If the disk is full; nothing is left behind.
        """
        if isinstance(source, bytes):
            sha256 = hashlib.sha256(source).hexdigest()
            if not self._touch(sha256):
                self._write(iter((source,)), len(source))
            return sha256
        with source.open("rb") as file:
            return self._write(iter(lambda: file.read(CHUNK), b""), os.fstat(file.fileno()).st_size)

    def missing(self, digests: Iterable[str]) -> set[str]:
        """Say which of `digests` are not kept; those that are count as used now."""
        return {sha256 for sha256 in digests if not self._touch(check_digest(sha256))}

    def get(self, sha256: str, destination: Path) -> None:
        """Write a blob to the file `destination`, which appears only when it is whole and right.

        Raises
        ------
        MissingBlobError
            If it is not kept.
        DigestMismatchError
            If what is kept is damaged.
        """
        with self.open(sha256) as source:
            received(sha256, iter(lambda: source.read(CHUNK), b""), destination)

    def read(self, sha256: str) -> bytes:
        """Return a blob; meant for small ones.

        Raises
        ------
        MissingBlobError
            If it is not kept.
        DigestMismatchError
            If what is kept is damaged.
        """
        with self.open(sha256) as file:
            data = file.read()
        if (actual := hashlib.sha256(data).hexdigest()) != sha256:
            raise DigestMismatchError(f"blob {sha256}", sha256, actual)
        return data

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob for reading, unchecked: the reader checks the digest at the end.

        Raises
        ------
        MissingBlobError
            If it is not kept.
        """
        try:
            return self.path(check_digest(sha256)).open("rb")
        except FileNotFoundError:
            raise MissingBlobError(sha256) from None

    def adopt(self, temporary: Path, sha256: str) -> None:
        """Move a synced file, whose digest has been checked, to its place."""
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(target)
        sync_folder(target.parent)

    def digests(self) -> Iterator[str]:
        """List what is kept."""
        for folder in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(path.name for path in folder.iterdir() if _DIGEST.fullmatch(path.name))

    def _touch(self, sha256: str) -> bool:
        try:
            os.utime(self.path(sha256))
        except FileNotFoundError:
            return False
        return True

    def _write(self, chunks: Iterator[bytes], size: int) -> str:
        self.incoming.mkdir(parents=True, exist_ok=True)
        with full_disk_explained(self.root), temporary_file(self.incoming) as (file, path):
            digest = hashlib.sha256()
            reserve(file, size)
            for chunk in overlapped(chunks, digest):
                file.write(chunk)
            file.truncate()  # a file that shrank while it was read
            sync_file(file)
            sha256 = digest.hexdigest()
            if self._touch(sha256):
                path.unlink()
            else:
                self.adopt(path, sha256)
        return sha256


def digest_of(file: Path) -> str:
    """Return the sha256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def received(sha256: str, chunks: Iterator[bytes], destination: Path) -> None:
    """Write `chunks` to `destination`, which appears only when its sha256 is right.

    Raises
    ------
    DigestMismatchError
        If the bytes have another digest.
    StorageFullError
        If the disk is full.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    with full_disk_explained(destination.parent), temporary_file(destination.parent) as (file, path):
        digest = hashlib.sha256()
        for chunk in overlapped(chunks, digest):
            file.write(chunk)
        file.flush()
        if (actual := digest.hexdigest()) != sha256:
            raise DigestMismatchError(destination.name, sha256, actual)
        path.replace(destination)


def overlapped(chunks: Iterator[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    """Hash chunks on another thread while the caller writes them: both release the interpreter's lock.

    The thread may be some chunks behind, so that neither waits for the other at each of them; when the last chunk has
    been taken, or the caller has stopped, it has ended.
    """
    waiting: queue.Queue[bytes | None] = queue.Queue(_BEHIND)
    worker: threading.Thread | None = None
    try:
        for chunk in chunks:
            if worker is None and len(chunk) >= CHUNK // 4:  # what is smaller is hashed before a thread has started
                worker = threading.Thread(target=_hash, args=(waiting, digest), daemon=True)
                worker.start()
            if worker is None:
                digest.update(chunk)
            else:
                waiting.put(chunk)
            yield chunk
    finally:
        if worker is not None:
            waiting.put(None)
            worker.join()


def _hash(waiting: queue.Queue[bytes | None], digest: hashlib._Hash) -> None:
    while (chunk := waiting.get()) is not None:
        digest.update(chunk)


@contextmanager
def temporary_file(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Make a file in `folder` under a name that no reader looks at; it is removed unless renamed."""
    descriptor, name = tempfile.mkstemp(prefix=".part-", dir=folder)
    os.fchmod(descriptor, 0o644)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def full_disk_explained(place: Path) -> Iterator[None]:
    """Turn the system's "no space left" into the error that says where and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(str(place)) from error
        raise


def reserve(file: BinaryIO, size: int) -> None:
    """Set space aside for what will be written: a full disk shows at once, and large writes wait less for the disk."""
    if size > CHUNK and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)


def sync_file(file: BinaryIO) -> None:
    """Flush a file to the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_space(folder: Path) -> int:
    """Say how many bytes are free where `folder` is."""
    return shutil.disk_usage(folder).free
