"""Images to and from the real registry, byte for byte."""

import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.images import BILL, attach
from tests.ports import free_port

from modelyard.errors import DigestMismatchError, MissingBlobError
from modelyard.images.oci.contents import contents
from modelyard.images.oci.documents import CONFIG, LAYER, MANIFEST, Descriptor, Index, Manifest, decode, encode
from modelyard.images.oci.errors import (
    InvalidDocumentError,
    InvalidImageReferenceError,
    NotARegistryError,
    PlatformNotFoundError,
    RegistryUnreachableError,
    UnknownImageError,
)
from modelyard.images.oci.platforms import Platform
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder

ROOT = Path(__file__).resolve().parents[3]


def _same(one: Descriptor, here: BlobFolder, there: BlobFolder) -> bool:
    return all(here.read(part.sha256) == there.read(part.sha256) for part in contents(one, here))


def test_an_index_of_two_architectures_comes_back_byte_for_byte(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, other: BlobFolder, index: Descriptor
) -> None:
    assert registry.push(index, blobs, reference) == index.digest

    pulled = registry.pull(reference, other)

    assert pulled == index
    assert _same(index, blobs, other)
    kept = httpx.get(
        f"http://{reference.registry}/v2/{reference.repository}/manifests/3", headers={"accept": index.media_type}
    )
    assert kept.content == blobs.read(index.sha256)


def test_a_manifest_that_others_wrote_keeps_its_bytes(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, other: BlobFolder, image: Descriptor
) -> None:
    document = json.loads(blobs.read(image.sha256))
    data = json.dumps(document | {"annotations": {"é": "ü"}, "x-later": [1, 2]}, indent=3).encode()
    blobs.put(data)
    foreign = Descriptor.of(data, MANIFEST)

    registry.push(foreign, blobs, reference)

    assert registry.pull(reference, other).digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert other.read(foreign.sha256) == data


def test_one_platform_is_pulled_alone(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, other: BlobFolder, index: Descriptor
) -> None:
    registry.push(index, blobs, reference)

    pulled = registry.pull(reference, other, platform=Platform.parse("linux/arm64"))

    assert {part.sha256 for part in contents(pulled, other)} | {index.sha256} == set(other.digests())
    with pytest.raises(PlatformNotFoundError, match="linux/arm64, linux/amd64"):
        registry.pull(reference, other, platform=Platform.parse("linux/s390x"))


def test_what_the_registry_has_is_not_sent_again(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, image: Descriptor
) -> None:
    registry.push(image, blobs, reference)
    for part in contents(image, blobs):
        if not part.is_manifest:
            blobs.path(part.sha256).unlink()  # what is not here cannot be sent

    assert registry.push(image, blobs, reference) == image.digest


def test_what_is_next_door_is_mounted(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, image: Descriptor, image_registry: str
) -> None:
    registry.push(image, blobs, reference)
    target = ImageReference.parse(f"{image_registry}/{reference.repository}-next:1")
    layers = [part for part in contents(image, blobs) if not part.is_manifest]
    for part in layers:  # sent they could not be: they are damaged here
        blobs.path(part.sha256).write_bytes(b"x" * part.size)

    registry.push(image, blobs, target, mount_from=reference)

    head = httpx.head(f"http://{image_registry}/v2/{target.repository}/blobs/{layers[0].digest}")
    assert head.status_code == 200


def test_progress_is_told_to_the_end(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, other: BlobFolder, image: Descriptor
) -> None:
    sent: dict[str, list[int]] = {}
    fetched: dict[str, list[int]] = {}
    registry.push(image, blobs, reference, progress=lambda one, done: sent.setdefault(one.digest, []).append(done))
    registry.pull(reference, other, progress=lambda one, done: fetched.setdefault(one.digest, []).append(done))

    wanted = {part.digest: part.size for part in contents(image, blobs) if not part.is_manifest}
    for seen in (sent, fetched):
        assert {digest: steps[-1] for digest, steps in seen.items()} == wanted
        assert all(steps == sorted(steps) for steps in seen.values())


def test_attached_artifacts_go_along_by_the_tag_of_the_specification(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, other: BlobFolder, image: Descriptor
) -> None:
    bills = [attach(blobs, image, data) for data in (b"one", b"two")]

    registry.push(image, blobs, reference, attached=bills[:1])
    registry.push(image, blobs, reference, attached=bills)

    found = registry.attached(reference, image.digest)
    assert [one.digest for one in found] == [bill.digest for bill in bills]
    assert {(one.artifact_type, str(one.annotations)) for one in found} == {(BILL, "{'made': 'by hand'}")}
    tagged = ImageReference.parse(f"{reference.registry}/{reference.repository}:{image.digest.replace(':', '-')}")
    assert isinstance(decode(other.read(registry.resolve(tagged, other).sha256), Index, "it"), Index)
    assert registry.pull(reference.pinned(bills[0].digest), other).digest == bills[0].digest
    assert registry.attached(reference, bills[0].digest) == ()


@pytest.mark.parametrize("name", ["nothing-here:1", "{}:4", "{}@sha256:" + "0" * 64])
def test_what_is_not_there_is_said(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, other: BlobFolder, image: Descriptor, name: str
) -> None:
    registry.push(image, blobs, reference)
    text = f"{reference.registry}/{name.format(reference.repository)}"

    with pytest.raises(UnknownImageError, match="does not know the") as caught:
        registry.pull(ImageReference.parse(text), other)

    assert text in str(caught.value)


def test_nobody_at_the_address_is_said(registry: Registry, other: BlobFolder) -> None:
    with pytest.raises(RegistryUnreachableError, match="refused"):
        registry.pull(ImageReference.parse(f"127.0.0.1:{free_port()}/digits:3"), other)


def test_a_web_server_is_no_registry(registry: Registry, other: BlobFolder, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with pytest.raises(NotARegistryError, match="404"):
            Registry(registry._credentials).pull(ImageReference.parse(f"127.0.0.1:{port}/digits:3"), other)
    finally:
        server.kill()
        server.wait()


def test_a_digest_that_is_not_that_of_the_image_is_refused(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, image: Descriptor
) -> None:
    with pytest.raises(InvalidImageReferenceError, match="what is pushed has the digest"):
        registry.push(image, blobs, reference.pinned("sha256:" + "0" * 64))


def test_what_is_attached_to_nothing_and_of_another_size_is_refused(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, image: Descriptor
) -> None:
    with pytest.raises(InvalidDocumentError, match="attached to nothing"):
        registry.push(image, blobs, reference, attached=[image])
    with pytest.raises(UnknownImageError):
        registry.resolve(reference, blobs)
    blobs.put(b"{} ")
    config = msgspec.structs.replace(Descriptor.of(b"{} ", CONFIG), size=9)
    data = encode(Manifest(schema_version=2, media_type=MANIFEST, config=config, layers=()))
    blobs.put(data)
    with pytest.raises(InvalidDocumentError, match="a size of 9, and the blob has 3 bytes"):
        registry.push(Descriptor.of(data, MANIFEST), blobs, reference)


@pytest.mark.parametrize("harm", [b"x", None])
def test_a_blob_that_is_damaged_or_missing_here_is_not_tagged_there(
    registry: Registry,
    reference: ImageReference,
    blobs: BlobFolder,
    other: BlobFolder,
    image: Descriptor,
    harm: bytes | None,
) -> None:
    layer = next(part for part in contents(image, blobs) if part.media_type not in {CONFIG, MANIFEST})
    blobs.path(layer.sha256).unlink()
    if harm is not None:
        blobs.path(layer.sha256).write_bytes(harm * layer.size)

    with pytest.raises(MissingBlobError if harm is None else DigestMismatchError, match=layer.sha256):
        registry.push(image, blobs, reference)

    with pytest.raises(UnknownImageError):
        registry.pull(reference, other)


def test_an_empty_layer_and_a_large_one_pass_through_little_memory(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, other: BlobFolder
) -> None:
    size = 200 << 20
    large = blobs.root.parent / "large"
    with large.open("wb") as file:
        file.truncate(size)
        file.write(os.urandom(4096))
    data = {LAYER: blobs.put(large), CONFIG: blobs.put(b"")}
    layer = Descriptor(media_type=LAYER, digest=f"sha256:{data[LAYER]}", size=size)
    empty = Descriptor(media_type=LAYER, digest=f"sha256:{data[CONFIG]}", size=0)
    manifest = encode(
        Manifest(schema_version=2, media_type=MANIFEST, config=Descriptor.of(b"{}", CONFIG), layers=(layer, empty))
    )
    blobs.put(b"{}")
    blobs.put(manifest)

    tracemalloc.start()
    registry.push(Descriptor.of(manifest, MANIFEST), blobs, reference)
    registry.pull(reference, other)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert other.path(layer.sha256).stat().st_size == size
    assert most < 40 << 20, f"{most >> 20} MB were held"
