"""Registries that answer what they should not: tried again where that helps, or told in one line; never believed."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.images import attach, make_image
from tests.integration.images.answering import AnsweringProxy, answer
from tests.integration.images.modern_registry import ModernRegistry

from modelyard.errors import ModelyardError
from modelyard.images.oci.contents import contents
from modelyard.images.oci.credentials import Credentials
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.errors import (
    CredentialsNeededError,
    InvalidDocumentError,
    NotARegistryError,
    RedirectRefusedError,
    RegistryFailureError,
    RegistryUnreachableError,
    WrongContentError,
)
from modelyard.images.oci.patience import Patience
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder

PING = answer("200 OK", b"{}")


@pytest.fixture
def modern(registry: Registry, blobs: BlobFolder, image: Descriptor) -> Iterator[ModernRegistry]:
    """Give a registry that has the image ``digits:3``."""
    with ModernRegistry() as running:
        registry.push(image, blobs, ImageReference.parse(f"{running.name}/digits:3"))
        yield running


def _pull(name: str, blobs: BlobFolder, *, tries: int = 6) -> Descriptor:
    patience = Patience(tries=tries, wait=0.01, longest=0.05)
    with Registry(Credentials(Path("/nonexistent/config.json")), patience=patience) as client:
        return client.pull(ImageReference.parse(f"{name}/digits:3"), blobs)


@pytest.mark.parametrize(
    "status", ["500 Internal Server Error", "502 Bad Gateway", "503 Busy", "429 Too Many Requests"]
)
def test_what_passes_is_tried_again(modern: ModernRegistry, other: BlobFolder, image: Descriptor, status: str) -> None:
    for count in range(1, 6):
        with AnsweringProxy(modern.port, [answer(status, retry_after="9999")] * count) as proxy:
            assert _pull(proxy.name, BlobFolder(other.root / str(count))).digest == image.digest
            assert proxy.given == count


@pytest.mark.parametrize("status", ["500 Internal Server Error", "429 Too Many Requests"])
def test_what_does_not_pass_is_told_after_a_few_tries(modern: ModernRegistry, other: BlobFolder, status: str) -> None:
    with AnsweringProxy(modern.port, [answer(status, b"out of order")] * 100) as proxy:
        with pytest.raises(RegistryFailureError, match=f"answered {status[:3]}"):
            _pull(proxy.name, other, tries=4)

        assert proxy.given == 4


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (answer("200 OK", b"<html>", content_type="text/html"), NotARegistryError),
        (answer("404 Not Found", b"no"), NotARegistryError),
        (answer("302 Found", location="http://127.0.0.1:1/"), NotARegistryError),
        (b"SSH-2.0-OpenSSH_9.2\r\n", RegistryUnreachableError),
        (b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 50_000, RegistryUnreachableError),
        (b"", RegistryUnreachableError),
    ],
)
def test_what_is_no_registry_is_told(
    modern: ModernRegistry, other: BlobFolder, given: bytes, error: type[ModelyardError]
) -> None:
    with AnsweringProxy(modern.port, [given] * 100) as proxy, pytest.raises(error) as caught:
        _pull(proxy.name, other, tries=2)

    assert proxy.name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (answer("200 OK", b"[" * 4_000_000), InvalidDocumentError),
        (answer("200 OK", b" " * 9_000_000), InvalidDocumentError),
        (answer("200 OK", b"\xff\xfe"), InvalidDocumentError),
        (answer("401 Unauthorized"), CredentialsNeededError),
        (answer("401 Unauthorized", www_authenticate="Negotiate"), CredentialsNeededError),
        (answer("403 Forbidden"), CredentialsNeededError),
        (answer("302 Found", location="gopher://127.0.0.1/"), RedirectRefusedError),
        (answer("302 Found", location="http://h:port/"), RegistryUnreachableError),
        (answer("302 Found", location="/v2/digits/manifests/3"), RedirectRefusedError),
        (answer("200 OK", b'{"schemaVersion":2,"manifests":[]}', docker_content_digest="sha256:0"), WrongContentError),
        (answer("418 Teapot", b"\xff" * 1_000_000), RegistryFailureError),
    ],
)
def test_a_manifest_that_is_none_is_told(
    modern: ModernRegistry, other: BlobFolder, given: bytes, error: type[ModelyardError]
) -> None:
    with AnsweringProxy(modern.port, [PING, *[given] * 100]) as proxy, pytest.raises(error) as caught:
        _pull(proxy.name, other, tries=2)

    assert "\n" not in str(caught.value)
    assert list(other.digests()) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data + b"x",
        lambda data: data * 1000,
        lambda data: data[:-1],
        lambda _data: b"",
    ],
    ids=["first", "last", "longer", "much longer", "shorter", "nothing"],
)
def test_other_bytes_than_were_pushed_are_never_kept(
    modern: ModernRegistry, blobs: BlobFolder, other: BlobFolder, image: Descriptor, spoil: Callable[[bytes], bytes]
) -> None:
    other.put(blobs.read(image.sha256))
    modern.spoil = spoil
    reference = ImageReference.parse(f"{modern.name}/digits@{image.digest}")

    with (
        Registry(Credentials(Path("/nonexistent")), patience=Patience(tries=2, wait=0.01)) as client,
        pytest.raises((WrongContentError, RegistryUnreachableError)),
    ):
        client.pull(reference, other)

    assert list(other.digests()) == [image.sha256]
    assert list(other.incoming.iterdir()) == []


def test_a_manifest_of_another_digest_is_refused(
    modern: ModernRegistry, registry: Registry, other: BlobFolder, image: Descriptor
) -> None:
    modern.spoil = lambda data: data + b" "

    for target in (":3", f"@{image.digest}"):
        with pytest.raises(WrongContentError, match="does not hold to"):
            registry.pull(ImageReference.parse(f"{modern.name}/digits{target}"), other)


def test_blobs_that_are_elsewhere_are_fetched_there(
    modern: ModernRegistry, blobs: BlobFolder, other: BlobFolder, image: Descriptor
) -> None:
    with ModernRegistry() as elsewhere:
        elsewhere.blobs = modern.blobs
        modern.blobs_at = f"http://{elsewhere.name}"

        assert _pull(modern.name, other).digest == image.digest
        assert [path for method, path, _ in elsewhere.requests if "signature" in path]
    assert all(blobs.read(part.sha256) == other.read(part.sha256) for part in contents(image, blobs))


def test_a_registry_that_lists_what_is_attached_needs_no_tag(
    modern: ModernRegistry, registry: Registry, blobs: BlobFolder, image: Descriptor
) -> None:
    bills = [attach(blobs, image, b"%d" % number) for number in range(3)]
    reference = ImageReference.parse(f"{modern.name}/digits:4")

    registry.push(image, blobs, reference, attached=bills)

    assert {one.digest for one in registry.attached(reference, image.digest)} == {bill.digest for bill in bills}
    assert not [target for target in modern.manifests if target.startswith("sha256-")]


def test_a_registry_that_keeps_something_else_is_not_believed(
    modern: ModernRegistry, registry: Registry, blobs: BlobFolder, image: Descriptor
) -> None:
    modern.claims = "sha256:" + "0" * 64

    with pytest.raises(WrongContentError, match="it kept the manifest as sha256:000"):
        registry.push(image, blobs, ImageReference.parse(f"{modern.name}/digits:4"))
    modern.blobs.clear()
    with pytest.raises(WrongContentError, match="it kept the blob as sha256:000"):
        registry.push(image, blobs, ImageReference.parse(f"{modern.name}/digits:4"))


def test_a_registry_that_finds_right_bytes_wrong_is_told_of(
    modern: ModernRegistry, registry: Registry, blobs: BlobFolder, image: Descriptor
) -> None:
    modern.blobs.clear()
    modern.doubts = True

    with pytest.raises(WrongContentError, match="it finds another digest"):
        registry.push(image, blobs, ImageReference.parse(f"{modern.name}/digits:4"))

    assert "4" not in modern.manifests


@pytest.mark.parametrize(("takes", "loses"), [(1_000_000, 0), (1 << 40, 3), (700_000, 2)])
def test_what_a_registry_takes_only_in_part_or_loses_is_sent_again(
    modern: ModernRegistry, registry: Registry, blobs: BlobFolder, takes: int, loses: int
) -> None:
    image = make_image(blobs, [{"large": os.urandom(4 << 20)}])
    modern.takes, modern.loses = takes, loses

    registry.push(image, blobs, ImageReference.parse(f"{modern.name}/digits:4"))

    for one in contents(image, blobs):
        assert one.is_manifest or modern.blobs[one.digest] == blobs.read(one.sha256)


def test_a_list_without_an_end_is_given_up(
    modern: ModernRegistry, registry: Registry, blobs: BlobFolder, image: Descriptor
) -> None:
    reference = ImageReference.parse(f"{modern.name}/digits:4")
    registry.push(image, blobs, reference, attached=[attach(blobs, image, b"a bill")])
    modern.endless = True

    with pytest.raises(InvalidDocumentError, match="more than 100 pages"):
        registry.attached(reference, image.digest)


def test_a_registry_that_holds_its_tongue_is_given_up(other: BlobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection is taken, and nothing ever said."""
    monkeypatch.setattr("modelyard.images.oci.connection._TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(RegistryUnreachableError, match="timed out"):
        _pull(f"127.0.0.1:{listener.getsockname()[1]}", other, tries=2)
