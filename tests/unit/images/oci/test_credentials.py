"""Credentials in docker's config.json: found, never shown."""

import base64
import json
import stat
from pathlib import Path

import pytest

from modelyard.images.oci.credentials import Credential, Credentials, docker_config
from modelyard.images.oci.errors import CredentialHelperError, DockerConfigError

SECRET = "correct horse"
HELPER = """#!/bin/sh
read server
case $server in
  known.example) echo '{"ServerURL":"known.example","Username":"ann","Secret":"correct horse"}' ;;
  token.example) echo '{"Username":"<token>","Secret":"correct horse"}' ;;
  odd.example) echo 'correct horse' ;;
  broken.example) echo 'correct horse'; exit 3 ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
"""


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    program = tmp_path / "docker-credential-tested"
    program.write_text(HELPER)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return "tested"


def _credentials(folder: Path, **config: object) -> Credentials:
    (folder / "config.json").write_text(json.dumps(config))
    return Credentials(folder / "config.json")


def _auth(user: str = "ann", password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("https://registry.example/v1/", "registry.example"),
        ("http://registry.example", "registry.example"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_what_docker_login_wrote_is_found(tmp_path: Path, key: str, registry: str) -> None:
    credentials = _credentials(tmp_path, auths={"other.example": _auth("eve"), key: _auth()})

    assert credentials.find(registry) == Credential(username="ann", password=SECRET)
    assert credentials.find("unknown.example") is None


def test_a_password_may_hold_colons_and_trailing_zeros(tmp_path: Path) -> None:
    credentials = _credentials(tmp_path, auths={"r.example": _auth("ann", "a:b:c\0\0")})

    assert credentials.find("r.example") == Credential(username="ann", password="a:b:c")


def test_tokens_and_plain_fields_are_found(tmp_path: Path) -> None:
    auths = {
        "a.example": {"identitytoken": SECRET},
        "b.example": {"registrytoken": SECRET},
        "c.example": {"username": "ann", "password": SECRET},
        "d.example": {},
    }
    credentials = _credentials(tmp_path, auths=auths)

    assert credentials.find("a.example") == Credential(identity_token=SECRET)
    assert credentials.find("b.example") == Credential(registry_token=SECRET)
    assert credentials.find("c.example") == Credential(username="ann", password=SECRET)
    assert credentials.find("d.example") is None


def test_a_program_for_one_registry_or_for_all_is_asked(tmp_path: Path, helper: str) -> None:
    for config in ({"credsStore": helper}, {"credHelpers": {"known.example": helper, "token.example": helper}}):
        credentials = _credentials(tmp_path, **config)
        assert credentials.find("known.example") == Credential(username="ann", password=SECRET)
        assert credentials.find("token.example") == Credential(identity_token=SECRET)


def test_what_the_program_does_not_know_may_stand_in_the_file(tmp_path: Path, helper: str) -> None:
    credentials = _credentials(tmp_path, credsStore=helper, auths={"file.example": _auth()})

    assert credentials.find("file.example") == Credential(username="ann", password=SECRET)
    assert credentials.find("none.example") is None


@pytest.mark.parametrize("registry", ["odd.example", "broken.example"])
def test_a_program_that_fails_is_named_and_not_quoted(tmp_path: Path, helper: str, registry: str) -> None:
    with pytest.raises(CredentialHelperError, match="docker-credential-tested") as caught:
        _credentials(tmp_path, credsStore=helper).find(registry)

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["missing", "../../bin/sh", "a b", "$(id)", "x" * 200])
def test_a_program_that_is_not_there_or_is_a_path_is_not_run(tmp_path: Path, helper: str, name: str) -> None:
    with pytest.raises(CredentialHelperError, match="no such program"):
        _credentials(tmp_path, credsStore=name).find("known.example")


@pytest.mark.parametrize("text", ["{", "[]", '{"auths":3}', '{"auths":{"r.example":{"auth":"%%%correct horse"}}}'])
def test_a_damaged_file_is_named_and_not_quoted(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)

    with pytest.raises(DockerConfigError, match="docker login") as caught:
        Credentials(tmp_path / "config.json").find("r.example")

    assert SECRET not in str(caught.value)


def test_a_program_that_does_not_run_and_a_file_that_is_none_are_named(tmp_path: Path, helper: str) -> None:
    (tmp_path / "docker-credential-empty").write_bytes(b"\0\1")
    (tmp_path / "docker-credential-empty").chmod(0o755)

    with pytest.raises(CredentialHelperError, match="OSError"):
        _credentials(tmp_path, credsStore="empty").find("r.example")
    with pytest.raises(DockerConfigError, match="Is a directory"):
        Credentials(tmp_path).find("r.example")


def test_no_file_is_no_credentials(tmp_path: Path) -> None:
    assert Credentials(tmp_path / "config.json").find("r.example") is None
    assert Credentials(tmp_path / "none" / "config.json").find("r.example") is None


def test_a_credential_does_not_show_its_secrets() -> None:
    credential = Credential(username="ann", password=SECRET, identity_token=SECRET, registry_token=SECRET)

    assert SECRET not in f"{credential} {credential!r} {[credential]} {credential.user}"


def test_the_file_is_where_docker_has_it() -> None:
    assert docker_config({"DOCKER_CONFIG": "/etc/d"}) == Path("/etc/d/config.json")
    assert docker_config({"HOME": "/home/me"}) == Path("/home/me/.docker/config.json")
