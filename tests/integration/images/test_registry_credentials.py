"""Registries that want to know who asks: credentials get there, and nowhere else."""

import base64
import json
import logging
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.images.answering import AnsweringProxy, answer
from tests.integration.images.modern_registry import ModernRegistry
from tests.integration.images.registry_process import RegistryProcess
from tests.integration.images.token_service import TokenService

from modelyard.images.oci.credentials import Credentials
from modelyard.images.oci.documents import Descriptor
from modelyard.images.oci.errors import CredentialsNeededError, CredentialsRefusedError, ForeignRealmError
from modelyard.images.oci.patience import Patience
from modelyard.images.oci.reference import ImageReference
from modelyard.images.oci.registry import Registry
from modelyard.store.blobs import BlobFolder

PASSWORD = "open sesame"
HTPASSWD = "ann:$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n"


@pytest.fixture
def locked(registry_program: str, tmp_path: Path) -> Iterator[RegistryProcess]:
    """Give a real registry that lets in ``ann`` alone."""
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    with RegistryProcess(
        tmp_path, auth={"htpasswd": {"realm": "tests", "path": str(tmp_path / "htpasswd")}}
    ) as process:
        yield process


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenService]:
    with TokenService(tmp_path, PASSWORD) as service:
        yield service


@pytest.fixture
def guarded(registry_program: str, tokens: TokenService, tmp_path: Path) -> Iterator[RegistryProcess]:
    """Give a real registry that lets in who has a token."""
    with RegistryProcess(tmp_path, auth=tokens.auth) as process:
        yield process


def _client(folder: Path, registry: str, password: str = PASSWORD, **entry: str) -> Registry:
    """Make a client that has logged in to `registry`."""
    auth = entry or {"auth": base64.b64encode(f"ann:{password}".encode()).decode()}
    (folder / "config.json").write_text(json.dumps({"auths": {registry: auth}}))
    return Registry(Credentials(folder / "config.json"), patience=Patience(tries=3, wait=0.01))


def test_a_locked_registry_lets_in_who_knows_the_password(
    locked: RegistryProcess, tmp_path: Path, blobs: BlobFolder, other: BlobFolder, index: Descriptor
) -> None:
    reference = ImageReference.parse(f"{locked.name}/digits:3")
    with _client(tmp_path, locked.name) as client:
        assert client.push(index, blobs, reference) == client.pull(reference, other).digest


def test_docker_and_we_log_in_the_same_way(
    docker_engine: object, locked: RegistryProcess, tmp_path: Path, blobs: BlobFolder, image: Descriptor
) -> None:
    command = ["docker", "--config", str(tmp_path / "docker"), "login", "-u", "ann", "--password-stdin", locked.name]
    subprocess.run(command, input=PASSWORD.encode(), check=True, capture_output=True, timeout=60)

    with Registry(Credentials(tmp_path / "docker" / "config.json")) as client:
        assert client.push(image, blobs, ImageReference.parse(f"{locked.name}/digits:3")) == image.digest


def test_a_locked_registry_is_told_in_words(
    locked: RegistryProcess, registry: Registry, tmp_path: Path, blobs: BlobFolder, image: Descriptor
) -> None:
    reference = ImageReference.parse(f"{locked.name}/digits:3")

    with pytest.raises(CredentialsNeededError, match=f"docker login {locked.name}"):
        registry.push(image, blobs, reference)
    with _client(tmp_path, locked.name, "wrong") as client, pytest.raises(CredentialsRefusedError, match="'ann'"):
        client.push(image, blobs, reference)


def test_tokens_are_had_for_a_password_and_for_what_is_done(
    guarded: RegistryProcess,
    tokens: TokenService,
    tmp_path: Path,
    blobs: BlobFolder,
    other: BlobFolder,
    index: Descriptor,
) -> None:
    reference = ImageReference.parse(f"{guarded.name}/team/digits:3")
    with _client(tmp_path, guarded.name) as client:
        client.push(index, blobs, reference, mount_from=ImageReference.parse(f"{guarded.name}/base:1"))
        client.pull(reference, other)

    assert [scopes for _, scopes in tokens.asked] == [
        ["repository:team/digits:pull,push", "repository:base:pull"],
        ["repository:team/digits:pull"],
    ]


def test_tokens_are_had_for_an_identity_token(
    guarded: RegistryProcess, tokens: TokenService, tmp_path: Path, blobs: BlobFolder, image: Descriptor
) -> None:
    with _client(tmp_path, guarded.name, identitytoken=PASSWORD) as client:
        assert client.push(image, blobs, ImageReference.parse(f"{guarded.name}/digits:3"))

    assert {header for header, _ in tokens.asked} == {"refresh"}


def test_a_token_that_has_run_out_is_replaced(
    guarded: RegistryProcess, tokens: TokenService, tmp_path: Path, blobs: BlobFolder, image: Descriptor
) -> None:
    reference = ImageReference.parse(f"{guarded.name}/digits:3")
    with _client(tmp_path, guarded.name) as client:
        tokens.lasts = -100
        with pytest.raises(CredentialsRefusedError):
            client.push(image, blobs, reference)
        tokens.lasts = 300
        assert client.push(image, blobs, reference) == image.digest


def test_a_token_service_that_refuses_is_told_in_words(
    guarded: RegistryProcess, registry: Registry, tmp_path: Path, blobs: BlobFolder, image: Descriptor
) -> None:
    reference = ImageReference.parse(f"{guarded.name}/digits:3")

    with pytest.raises(CredentialsNeededError, match=f"{guarded.name}/digits"):
        registry.push(image, blobs, reference)
    with _client(tmp_path, guarded.name, "wrong") as client, pytest.raises(CredentialsRefusedError, match="'ann'"):
        client.push(image, blobs, reference)


def test_credentials_do_not_follow_a_redirect_to_another_server(
    tmp_path: Path, blobs: BlobFolder, other: BlobFolder, image: Descriptor
) -> None:
    with ModernRegistry(password=PASSWORD) as modern, ModernRegistry() as elsewhere:
        reference = ImageReference.parse(f"{modern.name}/digits:3")
        elsewhere.blobs = modern.blobs
        modern.blobs_at = f"http://{elsewhere.name}"
        with _client(tmp_path, modern.name) as client:
            client.push(image, blobs, reference)
            client.pull(reference, other)

        assert len(elsewhere.requests) == 3
        assert elsewhere.authorizations == set()
        assert len(modern.authorizations) == 1


def test_credentials_do_not_follow_an_upload_to_another_server(
    tmp_path: Path, blobs: BlobFolder, image: Descriptor
) -> None:
    with ModernRegistry(password=PASSWORD) as modern, ModernRegistry() as elsewhere:
        elsewhere.blobs, elsewhere.uploads = modern.blobs, modern.uploads
        modern.uploads_at = f"http://{elsewhere.name}"
        with _client(tmp_path, modern.name) as client:
            client.push(image, blobs, ImageReference.parse(f"{modern.name}/digits:3"))

        assert len(elsewhere.requests) == len(modern.blobs) == 3
        assert elsewhere.authorizations == set()


def test_credentials_are_not_sent_where_a_stranger_asks_for_them(
    own_registry: RegistryProcess, tmp_path: Path, other: BlobFolder
) -> None:
    """The stranger listens, and nobody calls."""
    with socket.create_server(("127.0.0.2", 0)) as stranger:
        realm = f"http://127.0.0.2:{stranger.getsockname()[1]}/token"
        asks = answer("401 Unauthorized", www_authenticate=f'Bearer realm="{realm}",service="x"')
        with (
            AnsweringProxy(own_registry.port, [asks] * 10) as proxy,
            _client(tmp_path, proxy.name) as client,
            pytest.raises(ForeignRealmError, match="not sent"),
        ):
            client.pull(ImageReference.parse(f"{proxy.name}/digits:3"), other)
        stranger.settimeout(0.1)
        with pytest.raises(TimeoutError):
            stranger.accept()


def test_secrets_are_in_no_log_and_no_text(
    guarded: RegistryProcess,
    tokens: TokenService,
    tmp_path: Path,
    blobs: BlobFolder,
    image: Descriptor,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets = {
        PASSWORD,
        base64.b64encode(f"ann:{PASSWORD}".encode()).decode(),
        tokens.token(["repository:a:pull"])[:20],
    }
    caplog.set_level(logging.DEBUG)
    with _client(tmp_path, guarded.name) as client:
        client.push(image, blobs, ImageReference.parse(f"{guarded.name}/digits:3"))
        texts = [
            caplog.text,
            repr(client),
            repr(vars(client)),
            *(repr(vars(one)) for one in client._connections.values()),
        ]

    assert "HTTP Request" in caplog.text
    assert not [secret for secret in secrets for text in texts if secret in text]
