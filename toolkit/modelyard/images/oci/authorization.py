"""What a registry wants to see with a request: nothing, a password, or a token that a place of its own gives.

The tokens are those of https://distribution.github.io/distribution/spec/auth/token/ (and ``oauth/`` beside it, for
identity tokens). Credentials go to the registry, or to a token service of its own domain, and nowhere else.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from urllib.parse import urlencode

import httpx
import msgspec
from msgspec import Struct

from modelyard.images.oci.answers import address
from modelyard.images.oci.challenge import Challenge
from modelyard.images.oci.credentials import Credential
from modelyard.images.oci.errors import (
    CredentialsNeededError,
    CredentialsRefusedError,
    ForeignRealmError,
    RegistryError,
    RegistryFailureError,
)
from modelyard.images.oci.patience import PassingError

Scope = tuple[str, ...]
"""What is to be done, as tokens say it: ``repository:NAME:pull,push``."""

_CLIENT = "modelyard"
_SHORTEST = 60.0
"""Seconds that a token is good for at least, and where nothing is said."""
_EARLY = 10.0
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


class _Answer(Struct, frozen=True):
    token: str | None = None
    access_token: str | None = None
    expires_in: float | None = None


class _Token(Struct, frozen=True, kw_only=True):
    text: str
    until: float

    def __repr__(self) -> str:
        return "_Token(...)"


class Authorization:
    """What one registry wants to see; learns it from what it answers. Safe to use from several threads.

    Parameters
    ----------
    registry, host
        The registry as people write it, and the host that is spoken to.
    plain
        Whether it is spoken to over plain HTTP; then its token service may be, too.
    send
        Sends a request to a token service, and gives the status and the body of the answer.
    """

    def __init__(
        self,
        registry: str,
        host: str,
        credential: Credential | None,
        *,
        plain: bool,
        send: Callable[[httpx.Request], tuple[int, bytes]],
    ) -> None:
        self._registry = registry
        self._host = host
        self._credential = credential
        self._plain = plain
        self._send = send
        self._challenge: Challenge | None = None
        self._tokens: dict[Scope, _Token] = {}
        self._lock = threading.Lock()

    def header(self, scope: Scope) -> str | None:
        """Say what to send as ``Authorization``, if anything.

        Raises
        ------
        RegistryError
            If the token service gives no token; the text says why.
        """
        credential = self._credential
        if credential is not None and credential.registry_token:
            return f"Bearer {credential.registry_token}"
        if self._challenge is None:
            return None
        if self._challenge.scheme == "basic":
            return _basic(credential) if credential is not None else None
        with self._lock:
            token = self._tokens.get(scope)
            if token is None or token.until < time.monotonic():
                token = self._tokens[scope] = self._fetch(scope, self._challenge)
            return f"Bearer {token.text}"

    def learn(self, challenges: Iterable[Challenge]) -> None:
        """Take note of what an answer of 401 asks for; of several ways, tokens come first."""
        known = {challenge.scheme: challenge for challenge in challenges}
        self._challenge = known.get("bearer") or known.get("basic")

    def renewed(self, scope: Scope, refused: str | None) -> str | None:
        """Say what to send in place of `refused`, which got a 401; None if there is nothing else to send."""
        with self._lock:
            token = self._tokens.get(scope)
            if token is not None and refused == f"Bearer {token.text}":
                del self._tokens[scope]
        header = self.header(scope)
        return header if header != refused else None

    def refusal(self, image: str) -> RegistryError:
        """Make the error for a registry that says no."""
        if self._credential is None:
            return CredentialsNeededError(self._registry, image)
        return CredentialsRefusedError(self._registry, image, self._credential.user)

    def _fetch(self, scope: Scope, challenge: Challenge) -> _Token:
        status, body = self._send(self._request(scope, challenge))
        if status in {400, 401, 403}:
            raise self.refusal(f"{self._registry}/{_named(scope)}")
        failure = RegistryFailureError(address(self._realm(challenge)), status, "it gave no token")
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
            raise PassingError(failure)
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise failure from None
        text = answer.token or answer.access_token or ""
        if status != httpx.codes.OK or _PRINTABLE.fullmatch(text) is None:
            raise failure
        lasts = max(answer.expires_in or 0.0, _SHORTEST) - _EARLY
        return _Token(text=text, until=time.monotonic() + lasts)

    def _request(self, scope: Scope, challenge: Challenge) -> httpx.Request:
        realm, service = self._realm(challenge), challenge.parameters.get("service", "")
        credential = self._credential
        if credential is not None and credential.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": credential.identity_token,
                "service": service,
                "scope": " ".join(scope),
                "client_id": _CLIENT,
            }
            return httpx.Request("POST", realm, data=form)
        asked = urlencode([("service", service), *(("scope", one) for one in scope), ("client_id", _CLIENT)])
        headers = {"authorization": _basic(credential)} if credential is not None else {}
        return httpx.Request("GET", realm.copy_merge_params(httpx.QueryParams(asked)), headers=headers)

    def _realm(self, challenge: Challenge) -> httpx.URL:
        """Return where tokens are given, if credentials may go there."""
        text = challenge.parameters.get("realm", "")
        try:
            realm = httpx.URL(text)
        except httpx.InvalidURL:
            raise ForeignRealmError(self._registry, text, "which is no address") from None
        if realm.scheme != "https" and not (self._plain and realm.scheme == "http"):
            raise ForeignRealmError(self._registry, text, "which is not behind TLS")
        if self._credential is not None and _site(realm.host) != _site(self._host):
            raise ForeignRealmError(self._registry, text, "which is of another domain")
        return realm


def _basic(credential: Credential) -> str:
    pair = f"{credential.username}:{credential.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _named(scope: Scope) -> str:
    return scope[0].split(":")[1] if scope else ""


def _site(host: str) -> str:
    """Take the domain that hosts share when they have one owner: the last two labels of a name, or an address."""
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        return ".".join(host.lower().rstrip(".").split(".")[-2:])
