"""What is attached to an OCI image: its bill of materials, and its sealed specification.

An artifact is a manifest whose `subject` is the image (OCI image specification 1.1). With the specification go the
small documents that it names, so that whoever has the OCI image has all of the image: the files are in its layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct, structs

from modelyard.images.image import ImageVersion
from modelyard.images.oci.contents import keep_document
from modelyard.images.oci.documents import EMPTY, MANIFEST, Descriptor, Manifest, decode
from modelyard.images.spec import ImageSpec
from modelyard.store.blobs import BlobFolder, Blobs

BILL = "application/vnd.cyclonedx+json"
SPECIFICATION = "application/vnd.modelyard.image.v1+json"
_DOCUMENT = "application/octet-stream"
_TITLE = "org.opencontainers.image.title"
_NAME = "modelyard.image.name"
_NOTHING = b"{}"


class Document(Struct, frozen=True, kw_only=True):
    """Bytes in an artifact, and what they are called there."""

    title: str
    content: bytes
    media_type: str = _DOCUMENT


def attach(
    subject: Descriptor, kind: str, documents: Iterable[Document], blobs: BlobFolder, *, name: str = ""
) -> Descriptor:
    """Keep an artifact that is attached to `subject`; `name` says what the image was called."""
    blobs.put(_NOTHING)
    layers = []
    for document in documents:
        blobs.put(document.content)
        described = Descriptor.of(document.content, document.media_type)
        layers.append(structs.replace(described, annotations={_TITLE: document.title}))
    bare = Descriptor(media_type=subject.media_type, digest=subject.digest, size=subject.size)
    manifest = Manifest(
        schema_version=2,
        media_type=MANIFEST,
        artifact_type=kind,
        config=Descriptor.of(_NOTHING, EMPTY),
        layers=tuple(layers),
        subject=bare,
        annotations={_NAME: name} if name else None,
    )
    return structs.replace(keep_document(manifest, MANIFEST, blobs), artifact_type=kind)


def specification(subject: Descriptor, image: ImageVersion, store: Blobs, blobs: BlobFolder) -> Descriptor:
    """Attach the sealed specification of an image, with the documents that it names, to the OCI image made from it."""
    documents = [Document(title="specification", content=image.spec.canonical)]
    documents += [Document(title=digest, content=store.read(digest)) for digest in _named(image.spec, store)]
    return attach(subject, SPECIFICATION, documents, blobs, name=image.id)


def read_specification(artifact: Descriptor, blobs: BlobFolder) -> tuple[ImageSpec, str, tuple[bytes, ...]]:
    """Read what `specification` attached: the specification, what the image was called, and all documents.

    Raises
    ------
    InvalidImageError, InvalidDocumentError
        If it is not that.
    """
    manifest = decode(blobs.read(artifact.sha256), Manifest, "The attached specification")
    documents = tuple(blobs.read(layer.sha256) for layer in manifest.layers)
    return ImageSpec.decode(documents[0] if documents else b""), (manifest.annotations or {}).get(_NAME, ""), documents


def _named(spec: ImageSpec, store: Blobs) -> Iterator[str]:
    """List the documents that a specification names: listings of files, locks, samples, and what bases say they are."""
    yield from spec.blobs
    for base in dict.fromkeys(part.base for part in spec.parts if part.base):
        yield base
        yield decode(store.read(base), Manifest, "The base image").config.sha256
