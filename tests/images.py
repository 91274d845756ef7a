"""Small images for tests, made by hand of the documents that the specification describes."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Sequence

from modelyard.images.oci.documents import (
    CONFIG,
    EMPTY,
    INDEX,
    LAYER,
    LAYER_GZIP,
    MANIFEST,
    ContainerConfig,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    RootFs,
    encode,
)
from modelyard.store.blobs import BlobFolder

BILL = "application/vnd.cyclonedx+json"


def layer_tar(files: dict[str, bytes]) -> bytes:
    """Make a tar of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def packed(data: bytes) -> bytes:
    """Put data into gzip, the same each time."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        file.write(data)
    return buffer.getvalue()


def diff_id(tar: bytes) -> str:
    """Give the digest of a layer's uncompressed tar."""
    return f"sha256:{hashlib.sha256(tar).hexdigest()}"


def make_image(
    blobs: BlobFolder, layers: Sequence[dict[str, bytes]], architecture: str = "amd64", *, compressed: bool = True
) -> Descriptor:
    """Keep an image with layers of such files, and describe it."""
    tars = [layer_tar(files) for files in layers]
    config = ImageConfig(
        architecture=architecture,
        os="linux",
        rootfs=RootFs(type="layers", diff_ids=tuple(diff_id(tar) for tar in tars)),
        config=ContainerConfig(cmd=("/hello",), env=("PATH=/bin",), labels={"made": "by hand"}),
    )
    data = [packed(tar) if compressed else tar for tar in tars]
    kind = LAYER_GZIP if compressed else LAYER
    for one in (*data, encode(config)):
        blobs.put(one)
    manifest = Manifest(
        schema_version=2,
        media_type=MANIFEST,
        config=Descriptor.of(encode(config), CONFIG),
        layers=tuple(Descriptor.of(one, kind) for one in data),
    )
    blobs.put(encode(manifest))
    return Descriptor.of(encode(manifest), MANIFEST, config.platform)


def make_index(blobs: BlobFolder, images: Sequence[Descriptor]) -> Descriptor:
    """Keep an index of images, and describe it."""
    index = encode(Index(schema_version=2, media_type=INDEX, manifests=tuple(images)))
    blobs.put(index)
    return Descriptor.of(index, INDEX)


def attach(blobs: BlobFolder, subject: Descriptor, data: bytes) -> Descriptor:
    """Keep a bill of materials that is attached to an image, and describe its manifest."""
    blobs.put(b"{}")
    blobs.put(data)
    manifest = Manifest(
        schema_version=2,
        media_type=MANIFEST,
        artifact_type=BILL,
        config=Descriptor.of(b"{}", EMPTY),
        layers=(Descriptor.of(data, BILL),),
        subject=Descriptor(media_type=subject.media_type, digest=subject.digest, size=subject.size),
        annotations={"made": "by hand"},
    )
    blobs.put(encode(manifest))
    return Descriptor.of(encode(manifest), MANIFEST)
