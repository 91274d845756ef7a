"""What an image is made of, as far as it is kept as blobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from modelyard.errors import MissingBlobError
from modelyard.images.oci.documents import LARGEST, Descriptor, Index, Manifest, encode, media_type_of, read_manifest
from modelyard.images.oci.errors import InvalidDocumentError, PlatformNotFoundError
from modelyard.images.oci.platforms import Platform
from modelyard.images.oci.reference import ImageReference
from modelyard.store.blobs import BlobFolder

_DEEPEST = 4
"""Indexes within indexes."""
MOST = 10_000
"""What one image may be made of."""


def read_kept(descriptor: Descriptor, blobs: BlobFolder) -> Manifest | Index:
    """Read a manifest or an index that is kept.

    Raises
    ------
    MissingBlobError
        If it is not.
    InvalidDocumentError
        If it is something else than the descriptor says.
    """
    return read_manifest(blobs.read(descriptor.sha256), descriptor.media_type, f"The manifest {descriptor.digest}")


def keep_document(document: Struct, media_type: str, blobs: BlobFolder, platform: Platform | None = None) -> Descriptor:
    """Keep a document of ours as a blob, and describe it."""
    data = encode(document)
    blobs.put(data)
    return Descriptor.of(data, media_type, platform)


def find_kept(digest: str, blobs: BlobFolder) -> Descriptor | None:
    """Find the manifest or index of that digest (``sha256:…``) among the blobs."""
    if blobs.missing([digest.removeprefix("sha256:")]):
        return None
    if blobs.path(digest.removeprefix("sha256:")).stat().st_size > LARGEST:
        raise InvalidDocumentError(f"The blob {digest}", "it is too large for a manifest")
    data = blobs.read(digest.removeprefix("sha256:"))
    return Descriptor.of(data, media_type_of(data, f"The blob {digest}"))


def find_whole(reference: ImageReference, blobs: BlobFolder, platform: Platform | None) -> Descriptor | None:
    """Find an image that is named by its digest and kept with all that it is made of.

    Raises
    ------
    PlatformNotFoundError
        If it is an index without an image for `platform`.
    """
    found = find_kept(reference.digest, blobs) if reference.digest else None
    if found is None:
        return None
    document = read_kept(found, blobs)
    if platform is not None and isinstance(document, Index):
        found = choose(document.manifests, platform, str(reference))
    try:
        return None if blobs.missing(one.sha256 for one in contents(found, blobs)) else found
    except MissingBlobError:
        return None


def contents(descriptor: Descriptor, blobs: BlobFolder) -> tuple[Descriptor, ...]:
    """List what an image is made of, each thing once, what is referred to before what refers to it.

    Raises
    ------
    MissingBlobError
        If a manifest is not kept.
    InvalidDocumentError
        If a manifest is not as it should be, or there is too much.
    """
    found: dict[str, Descriptor] = {}
    for one in _walk(descriptor, blobs, 0):
        found.setdefault(one.digest, one)
        if len(found) > MOST:
            raise InvalidDocumentError(f"The image {descriptor.digest}", f"it is made of more than {MOST} things")
    return tuple(found.values())


def _walk(descriptor: Descriptor, blobs: BlobFolder, depth: int) -> Iterator[Descriptor]:
    if depth > _DEEPEST:
        raise InvalidDocumentError(f"The image {descriptor.digest}", f"it has more than {_DEEPEST} indexes in a row")
    if descriptor.is_manifest:
        for part in read_kept(descriptor, blobs).parts:
            yield from _walk(part, blobs, depth + 1)
    yield descriptor


def gather(top: Descriptor, blobs: BlobFolder, fetch: Callable[[Descriptor], object]) -> None:
    """Have `fetch` keep the manifests that an index refers to, and those that these refer to.

    Raises
    ------
    InvalidDocumentError
        If there are too many.
    """
    waiting, seen = [top], {top.digest}
    while waiting:
        for one in read_kept(waiting.pop(), blobs).parts:
            if one.is_manifest and one.digest not in seen:
                fetch(one)
                waiting.append(one)
                seen.add(one.digest)
        if len(seen) > MOST:
            raise InvalidDocumentError(f"The image {top.digest}", f"it is made of more than {MOST} things")


def image_of(
    descriptor: Descriptor, blobs: BlobFolder, platform: Platform | None, image: str
) -> tuple[Descriptor, Manifest]:
    """Read the manifest of an image, or of an index the one for `platform` (without it, the first).

    Raises
    ------
    PlatformNotFoundError
        If there is none.
    """
    for _ in range(_DEEPEST):
        document = read_kept(descriptor, blobs)
        if isinstance(document, Manifest):
            return descriptor, document
        descriptor = choose(document.manifests, platform, image)
    raise InvalidDocumentError(f"The image {image}", f"it has more than {_DEEPEST} indexes in a row")


def choose(manifests: Sequence[Descriptor], platform: Platform | None, image: str) -> Descriptor:
    """Choose the manifest of an index for `platform`, the first if there are several.

    Raises
    ------
    PlatformNotFoundError
        If there is none.
    """
    for one in manifests:
        if platform is None or (one.platform is not None and platform.runs(one.platform)):
            return one
    known = sorted({str(one.platform) for one in manifests if one.platform})
    raise PlatformNotFoundError(image, str(platform or "any machine"), known)
