"""Registries elsewhere are spoken to over TLS, and nothing leads away from it."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.integration.images.modern_registry import ModernRegistry

from modelyard.images.oci.credentials import Credentials
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.errors import RedirectRefusedError, RegistryUnreachableError
from modelyard.images.oci.patience import Patience
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder

HOST = "registry.example"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the names of registries that are elsewhere lead here."""
    real = socket.getaddrinfo

    def here(host: Any, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1" if str(host).endswith(".example") else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """Give an authority that is trusted here."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return made


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[ModernRegistry]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    with ModernRegistry(tls=context) as running:
        yield running


def _push(port: int, blobs: BlobFolder, image: Descriptor, *, insecure: tuple[str, ...] = ()) -> str:
    with Registry(
        Credentials(Path("/nonexistent")), insecure=insecure, patience=Patience(tries=2, wait=0.01)
    ) as client:
        return client.push(image, blobs, ImageReference.parse(f"{HOST}:{port}/digits:3"))


def test_a_registry_elsewhere_is_spoken_to_over_tls(
    secure: ModernRegistry, blobs: BlobFolder, image: Descriptor
) -> None:
    assert _push(secure.port, blobs, image) == image.digest


def test_plain_http_is_for_whom_the_caller_names(blobs: BlobFolder, image: Descriptor) -> None:
    with ModernRegistry() as modern:
        with pytest.raises(RegistryUnreachableError, match="speaks plain HTTP"):
            _push(modern.port, blobs, image)
        with pytest.raises(RegistryUnreachableError, match="speaks plain HTTP"):
            _push(modern.port, blobs, image, insecure=("other.example",))

        assert modern.requests == []
        assert _push(modern.port, blobs, image, insecure=(f"{HOST}:{modern.port}",)) == image.digest


def test_a_certificate_that_is_not_trusted_is_told(
    secure: ModernRegistry, blobs: BlobFolder, image: Descriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(RegistryUnreachableError, match="SSL_CERT_FILE"):
        _push(secure.port, blobs, image)


def test_a_registry_behind_a_proxy_that_says_http_is_kept_to_tls(
    secure: ModernRegistry, blobs: BlobFolder, image: Descriptor
) -> None:
    secure.uploads_at = f"http://{HOST}"

    assert _push(secure.port, blobs, image) == image.digest


def test_nothing_is_sent_from_tls_to_plain_http(secure: ModernRegistry, blobs: BlobFolder, image: Descriptor) -> None:
    with ModernRegistry() as plain:
        secure.uploads_at = f"http://other.example:{plain.port}"

        with pytest.raises(RedirectRefusedError, match="not behind TLS"):
            _push(secure.port, blobs, image)

        assert plain.requests == []
