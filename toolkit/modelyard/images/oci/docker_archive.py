"""The archive of ``docker save``: a list of images, and for each its configuration and its layers as plain tars."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from typing import BinaryIO

import msgspec
from msgspec import Struct

from modelyard.errors import DigestMismatchError
from modelyard.images.oci.contents import keep_document
from modelyard.images.oci.documents import (
    CONFIG,
    LAYER,
    LAYER_GZIP,
    MANIFEST,
    Descriptor,
    ImageConfig,
    Manifest,
    decode,
)
from modelyard.images.oci.errors import InvalidArchiveError
from modelyard.images.oci.keeping import keep
from modelyard.images.oci.source import Source, read_small
from modelyard.store.blobs import CHUNK, BlobFolder

LIST = "manifest.json"

_GZIP = b"\x1f\x8b"
_NAMED = re.compile(r"(?:.*/)?(?P<sha256>[0-9a-f]{64})(?:\.json)?")


class Listed(Struct, frozen=True, kw_only=True, rename="pascal"):
    """An image in the list: where its parts are in the archive, and what it is called."""

    config: str
    layers: tuple[str, ...]
    repo_tags: tuple[str, ...] | None = None


def encode_listed(listed: Listed) -> bytes:
    """Write the list of one image."""
    return msgspec.json.encode([listed], order="sorted")


def read_listed(source: Source, blobs: BlobFolder, name: str) -> Descriptor:
    """Keep an image of an archive, and describe it: its configuration as it came, its layers as they are.

    Parameters
    ----------
    name
        Which image, if there are several; empty for the only one.

    Raises
    ------
    InvalidArchiveError
        If there is no such image, or a part of it is missing.
    DigestMismatchError
        If a layer is not what the configuration promises.
    """
    listed = _chosen(source, name)
    data = read_small(source, listed.config)
    named = _NAMED.fullmatch(listed.config)
    if named is not None and (actual := hashlib.sha256(data).hexdigest()) != named["sha256"]:
        raise DigestMismatchError(f"{listed.config} in {source.place}", named["sha256"], actual)
    config = decode(data, ImageConfig, f"{listed.config} in {source.place}")
    if len(config.rootfs.diff_ids) != len(listed.layers):
        counts = f"{len(listed.layers)} layers are there, and {len(config.rootfs.diff_ids)} are promised"
        raise InvalidArchiveError(source.place, counts)
    layers = []
    for place, diff_id in zip(listed.layers, config.rootfs.diff_ids, strict=True):
        layers.append(_describe(source, place, diff_id))
        keep(source, place, layers[-1], blobs)
    manifest = Manifest(schema_version=2, media_type=MANIFEST, config=Descriptor.of(data, CONFIG), layers=tuple(layers))
    blobs.put(data)
    return keep_document(manifest, MANIFEST, blobs)


def _chosen(source: Source, name: str) -> Listed:
    images = decode(read_small(source, LIST), tuple[Listed, ...], f"{LIST} in {source.place}")
    fitting = [one for one in images if not name or name in (one.repo_tags or ())]
    if len(fitting) != 1:
        names = ", ".join(tag for one in images for tag in one.repo_tags or ()) or "none with a name"
        raise InvalidArchiveError(source.place, f"one image is wanted, and it has {len(images)}: {names}; name one")
    return fitting[0]


def _describe(source: Source, place: str, diff_id: str) -> Descriptor:
    """Describe a layer: the plain tar that `diff_id` names, or that tar in gzip, which some tools write."""
    file, size = source.open(place)
    with file:
        if file.read(len(_GZIP)) != _GZIP:
            return Descriptor(media_type=LAYER, digest=diff_id, size=size)
        actual = _unpacked_digest(file, f"{place} in {source.place}")
        if actual != diff_id:
            raise DigestMismatchError(f"{place} in {source.place}", diff_id, actual)
        file.seek(0)
        return Descriptor(media_type=LAYER_GZIP, digest=_digest(file), size=size)


def _unpacked_digest(file: BinaryIO, what: str) -> str:
    file.seek(0)
    try:
        with gzip.open(file) as unpacked:
            return _digest(unpacked)
    except (OSError, EOFError, zlib.error):
        raise InvalidArchiveError(what, "it begins as gzip does, and is damaged") from None


def _digest(file: BinaryIO | gzip.GzipFile) -> str:
    digest = hashlib.sha256()
    for chunk in iter(lambda: file.read(CHUNK), b""):
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"
