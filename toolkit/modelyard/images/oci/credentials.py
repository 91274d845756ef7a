"""The credentials of registries, as `docker login` keeps them in docker's config.json.

Secrets are never in a text: neither in what a value prints as, nor in an error.
"""

from __future__ import annotations

import base64
import binascii
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct, field

from modelyard.images.oci.errors import CredentialHelperError, DockerConfigError
from modelyard.images.oci.reference import DOCKER_HUB

_HUB_KEY = f"https://index.{DOCKER_HUB}/v1/"
"""The name under which docker keeps the credentials of its own registry."""
_PROGRAM = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PATIENCE = 60.0
"""Seconds that a program may take, for it may ask the user."""
_TOKEN_USER = "<token>"  # noqa: S105 - a user's name that says that a token follows


class Credential(Struct, frozen=True, kw_only=True):
    """What a registry knows a user by: a name and a password, or a token."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        return f"Credential(username={self.username!r}, ...)"

    @property
    def user(self) -> str:
        """How to speak of it."""
        return f"the user {self.username!r}" if self.username else "the token"


class _Entry(Struct, frozen=True):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""
    registrytoken: str = ""


class _Config(Struct, frozen=True):
    auths: dict[str, _Entry] | None = None
    store: str = field(default="", name="credsStore")
    helpers: dict[str, str] | None = field(default=None, name="credHelpers")


class _Helped(Struct, frozen=True, rename="pascal"):
    username: str
    secret: str


class Credentials:
    """The credentials of registries in a file like docker's config.json, looked up when they are needed.

    Parameters
    ----------
    file
        The file; where there is none, no credentials are known.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def find(self, registry: str) -> Credential | None:
        """Find the credentials for `registry`, written as in image references.

        A program named for the registry comes first, then the program for all, then what stands in the file itself.

        Raises
        ------
        DockerConfigError
            If the file cannot be read.
        CredentialHelperError
            If a program fails otherwise than by not knowing the registry.
        """
        config = self._read()
        server = _HUB_KEY if registry == DOCKER_HUB else registry
        helper = (config.helpers or {}).get(registry) or (config.helpers or {}).get(server) or config.store
        found = _ask(helper, server) if helper else None
        return found or self._listed(config.auths or {}, registry)

    def _read(self) -> _Config:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Config)
        except (FileNotFoundError, NotADirectoryError):
            return _Config()
        except OSError as error:
            raise DockerConfigError(str(self._file), error.strerror or type(error).__name__) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # whose text could show a secret
            raise DockerConfigError(str(self._file), "it is not the JSON that docker writes") from None

    def _listed(self, auths: Mapping[str, _Entry], registry: str) -> Credential | None:
        for key, entry in auths.items():
            if _host(key) == registry:
                return self._credential(key, entry)
        return None

    def _credential(self, key: str, entry: _Entry) -> Credential | None:
        username, password = entry.username, entry.password
        if entry.auth:
            try:
                username, _, password = base64.b64decode(entry.auth, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise DockerConfigError(str(self._file), f"what stands under {key[:100]!r} is not base64") from None
        found = Credential(
            username=username,
            password=password.strip("\0"),
            identity_token=entry.identitytoken,
            registry_token=entry.registrytoken,
        )
        return None if found == Credential() else found


def docker_config(environment: Mapping[str, str]) -> Path:
    """Say where docker's config.json is: in the folder ``DOCKER_CONFIG``, or in ``~/.docker``."""
    folder = environment.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path(environment.get("HOME") or "/") / ".docker") / "config.json"


def _host(key: str) -> str:
    """Take the registry out of a key such as ``https://registry.example/v1/``."""
    host = key.removeprefix("https://").removeprefix("http://").partition("/")[0].lower()
    return DOCKER_HUB if host == f"index.{DOCKER_HUB}" else host


def _ask(name: str, server: str) -> Credential | None:
    """Ask a credential helper: https://github.com/docker/docker-credential-helpers says how."""
    program = f"docker-credential-{name}"
    if _PROGRAM.fullmatch(name) is None or (path := shutil.which(program)) is None:
        raise CredentialHelperError(program[:120], "there is no such program on the PATH")
    try:
        done = subprocess.run([path, "get"], input=server.encode(), capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CredentialHelperError(program, type(error).__name__) from None
    if done.returncode:
        if b"credentials not found" in done.stdout:
            return None
        raise CredentialHelperError(program, f"it ended with status {done.returncode}")
    try:
        helped = msgspec.json.decode(done.stdout, type=_Helped)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CredentialHelperError(program, "it did not print JSON with Username and Secret") from None
    if helped.username == _TOKEN_USER:
        return Credential(identity_token=helped.secret)
    return Credential(username=helped.username, password=helped.secret)
