"""What an image is made of."""

import pytest
from tests.images import make_index

from modelyard.errors import MissingBlobError
from modelyard.images.oci import contents as module
from modelyard.images.oci.contents import choose, contents, find_kept, find_whole, gather, image_of, read_kept
from modelyard.images.oci.documents import INDEX, LARGEST, MANIFEST, Descriptor, Index
from modelyard.images.oci.errors import InvalidDocumentError, PlatformNotFoundError
from modelyard.images.oci.platforms import Platform
from modelyard.images.oci.reference import ImageReference
from modelyard.store.blobs import BlobFolder

AMD, ARM = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")


def test_what_is_referred_to_comes_before_what_refers_to_it(blobs: BlobFolder, index: Descriptor) -> None:
    listed = [one.digest for one in contents(index, blobs)]

    assert listed[-1] == index.digest
    assert len(listed) == len(set(listed)) == 2 + 2 + 3 + 1  # manifests, configurations, layers, the index
    for manifest in read_kept(index, blobs).parts:
        parts = [part.digest for part in read_kept(manifest, blobs).parts]
        assert max(map(listed.index, parts)) < listed.index(manifest.digest)


def test_a_missing_manifest_is_said(blobs: BlobFolder, other: BlobFolder, index: Descriptor) -> None:
    other.put(blobs.read(index.sha256))

    with pytest.raises(MissingBlobError):
        contents(index, other)


def test_too_many_indexes_in_a_row_are_refused(blobs: BlobFolder, index: Descriptor) -> None:
    for _ in range(6):
        index = make_index(blobs, [index])

    with pytest.raises(InvalidDocumentError, match="in a row"):
        contents(index, blobs)
    with pytest.raises(InvalidDocumentError, match="in a row"):
        image_of(index, blobs, None, "it")


def test_what_is_made_of_too_much_is_refused(
    blobs: BlobFolder, index: Descriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)

    for read in (lambda: contents(index, blobs), lambda: gather(index, blobs, print)):
        with pytest.raises(InvalidDocumentError, match="more than 2 things"):
            read()


def test_a_large_blob_is_not_read_for_a_manifest(blobs: BlobFolder) -> None:
    digest = Descriptor.of(bytes(LARGEST + 1), INDEX).digest
    blobs.put(bytes(LARGEST + 1))

    with pytest.raises(InvalidDocumentError, match="too large"):
        find_kept(digest, blobs)


def test_the_image_for_a_platform_is_chosen(blobs: BlobFolder, image: Descriptor, index: Descriptor) -> None:
    assert image_of(index, blobs, AMD, "it")[0] == image
    assert image_of(index, blobs, ARM, "it")[0].platform == ARM
    assert image_of(image, blobs, ARM, "it")[0] == image  # it has no choice to offer


def test_a_platform_that_is_not_there_is_said_with_those_that_are(blobs: BlobFolder, index: Descriptor) -> None:
    document = read_kept(index, blobs)
    assert isinstance(document, Index)

    with pytest.raises(PlatformNotFoundError, match=r"riscv64\. It is for: linux/a\w+, linux/a\w+\."):
        choose(document.manifests, Platform.parse("linux/riscv64"), "it")
    with pytest.raises(PlatformNotFoundError, match="nothing"):
        choose([], None, "it")


def test_an_image_is_found_by_its_digest_when_it_is_whole(blobs: BlobFolder, index: Descriptor) -> None:
    reference = ImageReference.parse(f"r.example/a@{index.digest}")

    assert find_whole(reference, blobs, None) == index
    found = find_whole(reference, blobs, ARM)
    assert found is not None
    assert found.platform == ARM
    blobs.path(contents(found, blobs)[0].sha256).unlink()
    assert find_whole(reference, blobs, None) is None
    assert find_whole(reference, blobs, ARM) is None
    assert find_whole(reference, blobs, AMD) is not None
    assert find_whole(ImageReference.parse("r.example/a:1"), blobs, None) is None


def test_a_kept_manifest_says_what_it_is(blobs: BlobFolder, image: Descriptor, index: Descriptor) -> None:
    assert [one.media_type for one in (find_kept(image.digest, blobs), find_kept(index.digest, blobs)) if one] == [
        MANIFEST,
        INDEX,
    ]
    assert find_kept("sha256:" + "0" * 64, blobs) is None
