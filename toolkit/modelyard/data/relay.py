"""Files from one datastore to another, by way of this machine; what has arrived is compared with what was read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from modelyard.data.access import Access, LocalFile, StoredFile
from modelyard.data.paths import joined
from modelyard.data.streams import in_streams
from modelyard.data.transfer import download, upload
from modelyard.errors import DigestMismatchError, NotFoundError
from modelyard.store.blobs import digest_of

_AT_ONCE = 256_000_000
"""Bytes that are on this machine at a time, if no single file has more."""


def relay(source: Access, prefix: str, destination: Access, target: str) -> list[StoredFile]:
    """Bring the file or folder `prefix` to `target` on another datastore, and say what is there then.

    What is there with the same content is not sent again; other content is replaced.

    Raises
    ------
    NotFoundError
        If there is nothing at `prefix`.
    DigestMismatchError
        If what has arrived is not what was read.
    """
    found = list(source.list(prefix))
    if not found:
        raise NotFoundError("file or folder", prefix)
    digests: dict[str, str] = {}
    for batch in _batches(found):
        with tempfile.TemporaryDirectory(prefix="modelyard-relay-") as folder:
            download(source, batch, Path(folder), overwrite=True, seen=lambda *_: None)
            files = [LocalFile.at(Path(folder, one.path), _moved(one.path, prefix, target)) for one in batch]
            digests |= {file.path: digest_of(file.file) for file in files}
            upload(destination, "The destination", files, overwrite=True, seen=lambda *_: None)
    return _compared(destination, target, digests)


def _compared(destination: Access, target: str, digests: Mapping[str, str]) -> list[StoredFile]:
    found = [one for one in destination.list(target) if one.path in digests]
    actual = dict(in_streams(lambda one: (one.path, destination.digest(one)), found))
    for path, expected in digests.items():
        if actual.get(path) != expected:
            raise DigestMismatchError(path, expected, actual.get(path, "that of no file"))
    return found


def _moved(path: str, prefix: str, target: str) -> str:
    if path == prefix:
        return target or path.rpartition("/")[2]
    return joined(target, path.removeprefix(f"{prefix}/" if prefix else ""))


def _batches(files: Iterable[StoredFile]) -> Iterator[list[StoredFile]]:
    batch: list[StoredFile] = []
    size = 0
    for file in files:
        if batch and size + file.size > _AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    yield batch
