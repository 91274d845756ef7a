"""Images in folders and archives.

The folder is an image layout of the OCI specification. The archive is the same in a tar, with the list that
``docker load`` looks for beside it: Docker, containerd and the tools of the OCI all take it. The same image gives the
same bytes.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from modelyard.errors import DigestMismatchError
from modelyard.images.oci.contents import contents, image_of
from modelyard.images.oci.docker_archive import LIST, Listed, encode_listed
from modelyard.images.oci.documents import INDEX, REF_NAME, Descriptor, Index, encode
from modelyard.images.oci.errors import InvalidArchiveError
from modelyard.images.oci.platforms import Platform
from modelyard.images.oci.reference import ImageReference
from modelyard.store.blobs import BlobFolder, full_disk_explained, sync_file, temporary_file

VERSION_FILE = "oci-layout"
INDEX_FILE = "index.json"
CONTAINERD_NAME = "io.containerd.image.name"
"""The annotation by which containerd knows the whole name."""

_VERSION = b'{"imageLayoutVersion":"1.0.0"}'


def blob_path(descriptor: Descriptor) -> str:
    """Say where a blob is in a layout."""
    return f"blobs/sha256/{descriptor.sha256}"


def write_layout(
    folder: Path,
    descriptor: Descriptor,
    blobs: BlobFolder,
    name: ImageReference | None = None,
    *,
    attached: Collection[Descriptor] = (),
) -> None:
    """Write an image as a layout folder, which must not exist or be empty, and appears when it is whole.

    Parameters
    ----------
    name
        What the image is called in the layout.
    attached
        Manifests whose `subject` is the image, to go with it.

    Raises
    ------
    InvalidArchiveError
        If there is something in the folder.
    MissingBlobError, DigestMismatchError
        If something of the image is not kept, or is damaged.
    StorageFullError
        If there is no room; nothing is left.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidArchiveError(str(folder), "it is to be written, and something is there already")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        full_disk_explained(folder.parent),
        tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as made,
    ):
        part = Path(made) / "layout"
        (part / "blobs" / "sha256").mkdir(parents=True)
        for one in _everything(descriptor, attached, blobs):
            blobs.get(one.sha256, part / blob_path(one))
        (part / VERSION_FILE).write_bytes(_VERSION)
        (part / INDEX_FILE).write_bytes(encode(_index(descriptor, name, attached)))
        if folder.exists():
            folder.rmdir()
        part.rename(folder)


def write_archive(
    file: Path,
    descriptor: Descriptor,
    blobs: BlobFolder,
    name: ImageReference | None = None,
    *,
    attached: Collection[Descriptor] = (),
    platform: Platform | None = None,
) -> None:
    """Write an image as one archive, which takes the place of `file` when it is whole.

    Parameters
    ----------
    name, attached
        As for `write_layout`.
    platform
        Of an index, the image that `docker load` is to take; the first unless said.

    Raises
    ------
    MissingBlobError, DigestMismatchError
        If something of the image is not kept, or is damaged.
    PlatformNotFoundError
        If the index has no image for `platform`.
    StorageFullError
        If there is no room; nothing is left.
    """
    listed = _listed(descriptor, blobs, name, platform)
    documents = {
        VERSION_FILE: _VERSION,
        INDEX_FILE: encode(_index(descriptor, name, attached)),
        LIST: encode_listed(listed),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with full_disk_explained(file.parent), temporary_file(file.parent) as (part, path):
        with tarfile.open(fileobj=part, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for folder in ("blobs", "blobs/sha256"):
                tar.addfile(_info(folder, 0, tarfile.DIRTYPE))
            for place, data in documents.items():
                tar.addfile(_info(place, len(data)), io.BytesIO(data))
            for one in _everything(descriptor, attached, blobs):
                _add(tar, one, blobs)
        sync_file(part)
        path.replace(file)


def _everything(descriptor: Descriptor, attached: Collection[Descriptor], blobs: BlobFolder) -> Iterator[Descriptor]:
    """List what goes into a layout, each blob once, in one order."""
    parts = {one.digest: one for top in (descriptor, *attached) for one in contents(top, blobs)}
    yield from (parts[digest] for digest in sorted(parts))


def _index(descriptor: Descriptor, name: ImageReference | None, attached: Collection[Descriptor]) -> Index:
    names = {REF_NAME: name.tag or name.digest, CONTAINERD_NAME: str(name)} if name is not None else {}
    annotations = {**(descriptor.annotations or {}), **names} or None
    top = msgspec.structs.replace(descriptor, annotations=annotations)
    return Index(schema_version=2, media_type=INDEX, manifests=(top, *attached))


def _listed(
    descriptor: Descriptor, blobs: BlobFolder, name: ImageReference | None, platform: Platform | None
) -> Listed:
    _, manifest = image_of(descriptor, blobs, platform, str(name or descriptor.digest))
    return Listed(
        config=blob_path(manifest.config),
        repo_tags=(f"{name.registry}/{name.repository}:{name.tag}",) if name is not None and name.tag else (),
        layers=tuple(blob_path(layer) for layer in manifest.layers),
    )


def _info(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.type = kind
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    return info


def _add(tar: tarfile.TarFile, descriptor: Descriptor, blobs: BlobFolder) -> None:
    with blobs.open(descriptor.sha256) as file:
        hashed = _Hashed(file)
        try:
            tar.addfile(_info(blob_path(descriptor), descriptor.size), hashed)
        except OSError as error:
            if error.errno is not None:
                raise
        if hashed.digest.hexdigest() != descriptor.sha256:
            name = f"The blob {descriptor.sha256}"
            raise DigestMismatchError(name, descriptor.sha256, hashed.digest.hexdigest())


class _Hashed(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data
