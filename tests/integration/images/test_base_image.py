"""Base images from the real registry: pinned, and had without it from then on."""

import pytest
from tests.integration.images.registry_process import RegistryProcess

from modelyard.images.oci.base_image import find_base
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.errors import RegistryUnreachableError
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder


def test_what_is_kept_by_its_digest_is_had_without_the_registry(
    registry: Registry, own_registry: RegistryProcess, blobs: BlobFolder, other: BlobFolder, index: Descriptor
) -> None:
    reference = ImageReference.parse(f"{own_registry.name}/digits:3")
    registry.push(index, blobs, reference)
    base = find_base(str(reference), other, registry, "arm64")
    own_registry.stop()

    assert base.reference == f"{own_registry.name}/digits@{index.digest}"
    assert find_base(base.reference, other, registry, "arm64") == base
    with pytest.raises(RegistryUnreachableError):
        find_base(str(reference), other, registry, "arm64")


def test_each_architecture_of_a_pinned_base_is_fetched_when_it_is_asked_for(
    registry: Registry, reference: ImageReference, blobs: BlobFolder, other: BlobFolder, index: Descriptor
) -> None:
    registry.push(index, blobs, reference)

    amd = find_base(str(reference), other, registry, "amd64")
    arm = find_base(amd.reference, other, registry, "arm64")

    assert amd.reference == arm.reference
    assert [base.config.architecture for base in (amd, arm)] == ["amd64", "arm64"]
    assert not other.missing(layer.sha256 for base in (amd, arm) for layer in base.layers)
