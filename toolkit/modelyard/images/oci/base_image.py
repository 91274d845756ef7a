"""Base images: found by name, by digest or in an archive, checked, and kept as blobs."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from modelyard.errors import MissingBlobError
from modelyard.images.oci.contents import find_kept, image_of
from modelyard.images.oci.documents import (
    LAYER,
    LAYER_GZIP,
    LAYER_ZSTD,
    Descriptor,
    ImageConfig,
    Manifest,
    check_digest,
    decode,
)
from modelyard.images.oci.errors import InvalidDocumentError, PlatformNotFoundError, UnknownImageError
from modelyard.images.oci.platforms import Platform
from modelyard.images.oci.progress import Progress, unseen
from modelyard.images.oci.reading import read_archive
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder

_DOCKER = "application/vnd.docker.image.rootfs.diff.tar"
_LAYERS = {
    LAYER: LAYER,
    LAYER_GZIP: LAYER_GZIP,
    LAYER_ZSTD: LAYER_ZSTD,
    _DOCKER: LAYER,
    f"{_DOCKER}.gzip": LAYER_GZIP,
}
"""The kinds of layers that can be built upon, and what the OCI calls them."""


class BaseImage(Struct, frozen=True, kw_only=True):
    """An image to build upon, kept as blobs.

    `reference` names it so that it is the same for ever: ``REGISTRY/REPOSITORY@sha256:…`` or ``sha256:…``, of the whole
    index where it is part of one, so that it serves for every architecture. `layers` have the media types of the OCI.
    """

    reference: str
    manifest: Descriptor
    config: ImageConfig
    layers: tuple[Descriptor, ...]

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The digests of the uncompressed layers."""
        return self.config.rootfs.diff_ids


def find_base(
    text: str, blobs: BlobFolder, registry: Registry, architecture: str, *, progress: Progress = unseen
) -> BaseImage:
    """Find a base image for Linux on `architecture`; what was kept by its digest needs no registry.

    Parameters
    ----------
    text
        The name of an image in a registry; ``sha256:…`` for one that is kept; or the path of an archive or a layout
        folder, which begins with ``/`` or ``.``.
    architecture
        As the OCI writes it: ``amd64``, ``arm64``.

    Raises
    ------
    InvalidImageReferenceError
        If `text` is none of these.
    RegistryError
        If the registry does not give the image.
    PlatformNotFoundError
        If the image is for other machines.
    InvalidArchiveError, InvalidDocumentError, DigestMismatchError
        If the image is not as it should be.
    """
    platform = Platform.parse(f"linux/{architecture}")
    if text.startswith(("/", ".")):
        image = read_archive(Path(text), blobs, platform=platform)
        return _checked(text, image.digest, image, blobs, platform)
    if text.startswith("sha256:"):
        image = _kept(text, blobs)
        return _checked(text, text, image, blobs, platform)
    reference = ImageReference.parse(text)
    if not reference.digest:
        reference = reference.pinned(registry.resolve(reference, blobs).digest)
    pinned = reference.pinned(reference.digest)
    image = registry.pull(pinned, blobs, platform=platform, progress=progress)
    return _checked(text, str(pinned), image, blobs, platform)


def _kept(digest: str, blobs: BlobFolder) -> Descriptor:
    found = find_kept(check_digest(digest), blobs)
    if found is None:
        raise UnknownImageError(digest, "digest")
    return found


def _checked(text: str, reference: str, image: Descriptor, blobs: BlobFolder, platform: Platform) -> BaseImage:
    descriptor, manifest = image_of(image, blobs, platform, text)
    config = decode(blobs.read(manifest.config.sha256), ImageConfig, f"The configuration of {text}")
    if not platform.runs(config.platform):
        raise PlatformNotFoundError(text, str(platform), [str(config.platform)])
    if len(manifest.layers) != len(config.rootfs.diff_ids):
        counts = f"{len(manifest.layers)} layers are there, and {len(config.rootfs.diff_ids)} are promised"
        raise InvalidDocumentError(f"The base image {text}", counts)
    for missing in blobs.missing(part.sha256 for part in manifest.parts):
        raise MissingBlobError(missing)
    described = msgspec.structs.replace(descriptor, platform=config.platform, annotations=None)
    return BaseImage(reference=reference, manifest=described, config=config, layers=_layers(text, manifest))


def _layers(text: str, manifest: Manifest) -> tuple[Descriptor, ...]:
    for layer in manifest.layers:
        if layer.media_type not in _LAYERS:
            raise InvalidDocumentError(f"The base image {text}", f"it has a layer of the kind {layer.media_type!r}")
    return tuple(
        Descriptor(media_type=_LAYERS[layer.media_type], digest=layer.digest, size=layer.size)
        for layer in manifest.layers
    )
