"""Images from folders and archives: OCI layouts, and what ``docker save`` writes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from msgspec import Struct

from modelyard.images.oci.contents import choose, contents, gather, read_kept
from modelyard.images.oci.docker_archive import LIST, read_listed
from modelyard.images.oci.documents import REF_NAME, Descriptor, Index, decode
from modelyard.images.oci.errors import InvalidArchiveError
from modelyard.images.oci.keeping import keep
from modelyard.images.oci.layout import CONTAINERD_NAME, INDEX_FILE, blob_path
from modelyard.images.oci.platforms import Platform
from modelyard.images.oci.source import Source, opened, read_small
from modelyard.store.blobs import BlobFolder

_MOST = 1000
"""Images and attached things that one layout may list."""


class ReadImage(Struct, frozen=True, kw_only=True):
    """What was read: the image, its name if it has one, and what is attached to it."""

    image: Descriptor
    name: str
    attached: tuple[Descriptor, ...]


def read_archive(file: Path, blobs: BlobFolder, name: str = "", *, platform: Platform | None = None) -> Descriptor:
    """Keep the image of an archive or a layout folder, and return what describes it; `read_image` tells more."""
    return read_image(file, blobs, name, platform=platform).image


def read_image(path: Path, blobs: BlobFolder, name: str = "", *, platform: Platform | None = None) -> ReadImage:
    """Keep the image of an archive or a layout folder as blobs, with what is attached to it.

    Parameters
    ----------
    name
        Which image, if there are several: its whole name or its tag.
    platform
        Of an index, which image; without it, all of them.

    Raises
    ------
    InvalidArchiveError
        If there is no such image, or a part of it is missing or has another size than is promised.
    InvalidDocumentError, DigestMismatchError
        If a part is not what it should be.
    PlatformNotFoundError
        If the index has no image for `platform`.
    StorageFullError
        If there is no room.
    """
    with opened(path) as source:
        if source.has(INDEX_FILE):
            return _read_layout(source, blobs, name, platform)
        if source.has(LIST):
            return ReadImage(image=read_listed(source, blobs, name), name=name, attached=())
        raise InvalidArchiveError(source.place, f"it has neither {INDEX_FILE} nor {LIST}")


def _read_layout(source: Source, blobs: BlobFolder, name: str, platform: Platform | None) -> ReadImage:
    index = decode(read_small(source, INDEX_FILE), Index, f"{INDEX_FILE} in {source.place}")
    entries = [one for one in index.manifests if one.is_manifest]
    if len(entries) > _MOST:
        raise InvalidArchiveError(source.place, f"it lists more than {_MOST} images")
    for one in entries:
        keep(source, blob_path(one), one, blobs)
    subjects = {one.digest: read_kept(one, blobs).subject for one in entries}
    listed = _chosen(source, [one for one in entries if subjects[one.digest] is None], name)
    image = _keep_all(source, listed, blobs, platform)
    parts = {one.digest for one in contents(image, blobs)}
    attached = [one for one in entries if (subject := subjects[one.digest]) is not None and subject.digest in parts]
    for one in attached:
        _keep_all(source, one, blobs, None)
    return ReadImage(image=image, name=next(iter(_names(listed)), ""), attached=tuple(attached))


def _keep_all(source: Source, top: Descriptor, blobs: BlobFolder, platform: Platform | None) -> Descriptor:
    document = read_kept(top, blobs)
    if platform is not None and isinstance(document, Index):
        top = choose(document.manifests, platform, source.place)
        keep(source, blob_path(top), top, blobs)
    gather(top, blobs, lambda one: keep(source, blob_path(one), one, blobs))
    for one in contents(top, blobs):
        keep(source, blob_path(one), one, blobs)
    return Descriptor(media_type=top.media_type, digest=top.digest, size=top.size, platform=top.platform)


def _chosen(source: Source, images: Collection[Descriptor], name: str) -> Descriptor:
    fitting = {one.digest: one for one in images if not name or name in _names(one)}
    if len(fitting) != 1:
        names = ", ".join(known for one in images for known in _names(one)[:1]) or "none with a name"
        raise InvalidArchiveError(source.place, f"one image is wanted, and it has {len(images)}: {names}; name one")
    return next(iter(fitting.values()))


def _names(descriptor: Descriptor) -> list[str]:
    """List what an image of a layout is called, the whole name first."""
    annotations = descriptor.annotations or {}
    return [annotations[key] for key in (CONTAINERD_NAME, REF_NAME) if key in annotations]
