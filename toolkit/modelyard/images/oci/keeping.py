"""Keeping what is read from a folder or an archive, checked against what its descriptor promises."""

from __future__ import annotations

import hashlib

from modelyard.errors import DigestMismatchError
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.errors import InvalidArchiveError
from modelyard.images.oci.source import Source
from modelyard.store.blobs import CHUNK, BlobFolder, full_disk_explained, overlapped, sync_file, temporary_file


def keep(source: Source, name: str, descriptor: Descriptor, blobs: BlobFolder) -> None:
    """Keep a file of `source` as the blob that `descriptor` describes, unless that is kept.

    Raises
    ------
    InvalidArchiveError
        If there is no such file, or it has another size.
    DigestMismatchError
        If it has other bytes; nothing of it is kept.
    StorageFullError
        If there is no room.
    """
    if not blobs.missing([descriptor.sha256]):
        return
    file, size = source.open(name)
    with file:
        if size != descriptor.size:
            reason = f"{name} has {size} bytes, and {descriptor.size} are promised"
            raise InvalidArchiveError(source.place, reason)
        blobs.incoming.mkdir(parents=True, exist_ok=True)
        with full_disk_explained(blobs.root), temporary_file(blobs.incoming) as (part, path):
            digest = hashlib.sha256()
            for chunk in overlapped(iter(lambda: file.read(CHUNK), b""), digest):
                part.write(chunk)
            if (actual := digest.hexdigest()) != descriptor.sha256:
                raise DigestMismatchError(f"{name} in {source.place}", descriptor.sha256, actual)
            sync_file(part)
            blobs.adopt(path, descriptor.sha256)
