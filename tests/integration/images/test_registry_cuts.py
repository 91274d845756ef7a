"""Connections that are cut: a transfer goes on where it was, or fails in words; never is anything wrong kept."""

import contextlib
import random
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.images.modern_registry import ModernRegistry
from tests.integration.images.registry_process import RegistryProcess
from tests.integration.store.cutting import CuttingProxy

from modelyard.errors import ModelyardError
from modelyard.images.oci.contents import contents
from modelyard.images.oci.credentials import Credentials
from modelyard.images.oci.documents import CONFIG, LAYER, MANIFEST, Descriptor, Manifest, encode
from modelyard.images.oci.errors import RegistryError, RegistryUnreachableError, UnknownImageError
from modelyard.images.oci.patience import Patience
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder

SIZE = 8 << 20
CUTS = 64
PLACES = 36
PATIENT = Patience(wait=0.005, longest=0.05)
NO_CREDENTIALS = Credentials(Path("/nonexistent/config.json"))


def _one_layer(blobs: BlobFolder, size: int = SIZE) -> Descriptor:
    """Keep an image of one large layer."""
    layer = random.Random(uuid.uuid4().int).randbytes(size)
    for data in (layer, b"{}"):
        blobs.put(data)
    manifest = encode(
        Manifest(
            schema_version=2,
            media_type=MANIFEST,
            config=Descriptor.of(b"{}", CONFIG),
            layers=(Descriptor.of(layer, LAYER),),
        )
    )
    blobs.put(manifest)
    return Descriptor.of(manifest, MANIFEST)


def _cuts(number: int, most: int) -> list[int]:
    """Choose where to cut: within the headers, at the first bytes, and anywhere."""
    chance = random.Random(number)
    early = [1, 40, 200, 400, 1000, 4096]
    return early + [chance.randrange(2000, most) for _ in range(number - len(early))]


@contextlib.contextmanager
def _cutting(
    port: int, cuts: list[int], *, up: bool, patience: Patience = PATIENT
) -> Iterator[tuple[CuttingProxy, Registry]]:
    proxy = CuttingProxy(port, cuts, up=up)
    with Registry(NO_CREDENTIALS, patience=patience) as client:
        yield proxy, client
    proxy.close()


def _named(port: int) -> ImageReference:
    return ImageReference.parse(f"127.0.0.1:{port}/tests/{uuid.uuid4().hex}:1")


def test_an_upload_that_is_cut_again_and_again_goes_on_where_it_was(blobs: BlobFolder) -> None:
    image = _one_layer(blobs)
    with ModernRegistry() as modern, _cutting(modern.port, _cuts(CUTS, SIZE // CUTS * 2), up=True) as (proxy, client):
        client.push(image, blobs, _named(proxy.port))

        assert proxy.cut >= CUTS // 2
        assert modern.blobs == {
            one.digest: blobs.read(one.sha256) for one in contents(image, blobs) if not one.is_manifest
        }
        assert modern.received < SIZE * 1.1, "the same bytes were sent again"


def test_the_control_an_upload_that_a_registry_forgets_does_not_get_through(blobs: BlobFolder) -> None:
    image = _one_layer(blobs)
    with (
        ModernRegistry(forgets=True) as modern,
        _cutting(modern.port, _cuts(CUTS, SIZE // CUTS * 2), up=True) as (proxy, client),
    ):
        with pytest.raises(RegistryError) as caught:
            client.push(image, blobs, _named(proxy.port))

        assert "\n" not in str(caught.value)
        assert modern.manifests == {}


def test_an_upload_to_distribution_arrives_wherever_it_is_cut(
    image_registry: str, blobs: BlobFolder, other: BlobFolder
) -> None:
    """It drops what was cut within a request, so that the blob is sent anew."""
    port, cut = int(image_registry.rpartition(":")[2]), 0
    size = 3 << 19
    for place in _cuts(PLACES, size):
        image = _one_layer(blobs, size)
        with _cutting(port, [place, place], up=True) as (proxy, client):
            reference = _named(proxy.port)
            client.push(image, blobs, reference)
            cut += proxy.cut
        with Registry(NO_CREDENTIALS) as direct:
            straight = ImageReference.parse(f"{image_registry}/{reference.repository}:1")
            assert direct.pull(straight, other).digest == image.digest

    assert cut >= PLACES
    assert all(other.read(sha256) for sha256 in other.digests())


def test_a_download_that_is_cut_again_and_again_goes_on_where_it_was(
    image_registry: str, blobs: BlobFolder, other: BlobFolder
) -> None:
    port, image = int(image_registry.rpartition(":")[2]), _one_layer(blobs)
    with _cutting(port, _cuts(CUTS, SIZE // CUTS), up=False) as (proxy, client):
        reference = _named(port)
        client.push(image, blobs, reference)
        client.pull(ImageReference.parse(f"127.0.0.1:{proxy.port}/{reference.repository}:1"), other)

        assert proxy.cut >= CUTS - 1
    assert all(blobs.read(part.sha256) == other.read(part.sha256) for part in contents(image, blobs))
    assert list(other.incoming.iterdir()) == []


def test_the_control_a_download_without_patience_fails_and_keeps_nothing_wrong(
    image_registry: str, blobs: BlobFolder, other: BlobFolder
) -> None:
    port, image = int(image_registry.rpartition(":")[2]), _one_layer(blobs)
    with _cutting(port, [1 << 20] * 9, up=False, patience=Patience(tries=1)) as (proxy, client):
        reference = _named(port)
        client.push(image, blobs, reference)
        with pytest.raises(RegistryUnreachableError, match="not reachable"):
            client.pull(ImageReference.parse(f"127.0.0.1:{proxy.port}/{reference.repository}:1"), other)

    assert all(other.read(sha256) for sha256 in other.digests())
    assert list(other.incoming.iterdir()) == []


def test_a_download_from_where_no_part_can_be_asked_for_begins_anew(blobs: BlobFolder, other: BlobFolder) -> None:
    image = _one_layer(blobs, 1 << 20)
    with ModernRegistry(takes_ranges=False) as modern:
        with Registry(NO_CREDENTIALS) as direct:
            direct.push(image, blobs, ImageReference.parse(f"{modern.name}/tests/it:1"))
        with _cutting(modern.port, [300_000, 500_000, 700_000], up=False) as (proxy, client):
            client.pull(ImageReference.parse(f"127.0.0.1:{proxy.port}/tests/it:1"), other)
            assert proxy.cut >= 2

    assert all(blobs.read(part.sha256) == other.read(part.sha256) for part in contents(image, blobs))


def test_a_push_goes_on_after_the_registry_was_killed(
    own_registry: RegistryProcess, blobs: BlobFolder, other: BlobFolder
) -> None:
    image = _one_layer(blobs, 64 << 20)
    reference = ImageReference.parse(f"{own_registry.name}/digits:3")
    begun, raised = threading.Event(), []

    def push() -> None:
        patient = Patience(tries=60, wait=0.05, longest=0.5)
        with Registry(NO_CREDENTIALS, patience=patient) as client:
            try:
                client.push(image, blobs, reference, progress=lambda _, done: done > 4 << 20 and begun.set())
            except ModelyardError as error:
                raised.append(error)

    thread = threading.Thread(target=push)
    thread.start()
    begun.wait(60)
    own_registry.stop()
    time.sleep(0.1)
    own_registry.start()
    thread.join(120)

    assert raised == []
    with Registry(NO_CREDENTIALS) as client:
        assert client.pull(reference, other).digest == image.digest


def test_a_push_that_was_given_up_leaves_no_tag(own_registry: RegistryProcess, blobs: BlobFolder) -> None:
    image = _one_layer(blobs)
    with _cutting(own_registry.port, [2 << 20] * 40, up=True, patience=Patience(tries=3, wait=0.01)) as (proxy, client):
        reference = _named(proxy.port)
        with pytest.raises(RegistryError):
            client.push(image, blobs, reference)

    with Registry(NO_CREDENTIALS) as client, pytest.raises(UnknownImageError):
        client.resolve(ImageReference.parse(f"{own_registry.name}/{reference.repository}:1"), blobs)
