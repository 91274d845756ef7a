"""HTTP to one registry: authorised, with failures in words, and redirected only where that is safe.

A registry is spoken to over TLS. Plain HTTP is for this machine's own addresses, and for those of whom the caller says
that they are insecure.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import httpx
import msgspec
from msgspec import Struct

from modelyard.images.oci.answers import address, explained, not_a_registry
from modelyard.images.oci.authorization import Authorization, Scope
from modelyard.images.oci.challenge import read_challenges
from modelyard.images.oci.credentials import Credential
from modelyard.images.oci.documents import LARGEST
from modelyard.images.oci.errors import RedirectRefusedError, RegistryFailureError, RegistryUnreachableError
from modelyard.images.oci.patience import PassingError, Patience
from modelyard.images.oci.reference import DOCKER_HUB

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_REDIRECTS = 5
_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_TRY_LATER = frozenset({408, 429, 500, 502, 503, 504})
_EXPLANATION = 1 << 16
"""Bytes of an error's text that are read."""
_FINAL = {
    "Name or service not known": "there is no host of that name",
    "WRONG_VERSION_NUMBER": "it speaks plain HTTP, which is for this machine's own addresses unless it is said to be "
    "insecure",
    "record layer failure": "it speaks plain HTTP, which is for this machine's own addresses unless it is said to be "
    "insecure",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is of an authority that is not trusted here; name the authority's "
    "file in SSL_CERT_FILE",
}
"""What goes wrong each time it is tried, by the words of the system and of OpenSSL."""

Body = bytes | Callable[[], Iterator[bytes]] | None
"""What a request carries; what is asked for it anew gives the same bytes again."""


class Call(Struct, frozen=True, kw_only=True):
    """A request: `target` is a path below ``/v2/`` or an address, `image` what it is about, in words."""

    method: str
    target: str
    image: str
    scope: Scope
    expected: frozenset[int] = frozenset({200})
    headers: dict[str, str] = {}
    body: Body = None

    def carrying(self, body: Body, headers: dict[str, str]) -> Call:
        """Give the same request a body, with the headers that tell of it."""
        return msgspec.structs.replace(self, body=body, headers={**self.headers, **headers})


class Connection:
    """A registry that can be asked; safe to use from several threads.

    Parameters
    ----------
    registry
        As in image references.
    plain
        Whether to speak plain HTTP.
    """

    def __init__(self, registry: str, credential: Credential | None, *, plain: bool, patience: Patience) -> None:
        self.registry = registry
        self.patience = patience
        host = f"index.{DOCKER_HUB}" if registry == DOCKER_HUB else registry
        self._root = httpx.URL(f"{'http' if plain else 'https'}://{host}/v2/")
        # what is on this machine is not asked for through a proxy
        self._http = httpx.Client(
            timeout=_TIMEOUT,
            trust_env=not is_loopback(self._root.host),
            headers={"user-agent": "modelyard", "accept-encoding": "identity"},
        )
        self._authorization = Authorization(
            registry, self._root.host, credential, plain=plain, send=self._send_to_token_service
        )
        self._known = False
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()

    def call(self, call: Call) -> tuple[httpx.Response, bytes]:
        """Send a small request, again when that may help, and return its answer.

        Raises
        ------
        RegistryError
            If the answer is not among those expected.
        """

        def once() -> tuple[httpx.Response, bytes]:
            with self.stream(call) as response:
                return response, beginning(response, LARGEST)

        return self.patience.keep_trying(once)

    @contextlib.contextmanager
    def stream(self, call: Call) -> Iterator[httpx.Response]:
        """Send a request once, and give its answer, of which nothing has been read.

        Raises
        ------
        PassingError
            If nobody answers, now or while the answer is read, or the answer says to come back later.
        RegistryError
            If the answer is not among those expected.
        """
        self._make_sure()
        with self._failures():
            response = self._authorised(call)
            try:
                self._check(call, response)
                yield response
            finally:
                _leave(response)

    def location(self, response: httpx.Response) -> str:
        """Read where an answer points to, as an address.

        A registry behind a proxy may say ``http`` though it is spoken to over TLS: then TLS is kept.

        Raises
        ------
        RedirectRefusedError
            If it points to nowhere, or from TLS to plain HTTP elsewhere.
        """
        return str(self._followed(response.request.url, response.headers.get("location", "")))

    def _make_sure(self) -> None:
        """Find out, once, whether a registry answers, and what it wants to see."""
        with self._lock:
            if not self._known:
                self.patience.keep_trying(self._ping)
                self._known = True

    def _ping(self) -> None:
        ping = Call(method="GET", target="", image=self.registry, scope=())
        with self._failures():
            response = self._send(ping, self._root, None)
            try:
                if response.status_code in _TRY_LATER:
                    raise self._problem(ping, response)
                is_page = response.status_code == 200 and "html" in response.headers.get("content-type", "")
                if response.status_code not in {200, 401, 403} or is_page:
                    raise not_a_registry(response)
                if response.status_code == 401:
                    self._authorization.learn(read_challenges(response.headers.get_list("www-authenticate")))
            finally:
                _leave(response)

    def _authorised(self, call: Call) -> httpx.Response:
        header = self._authorization.header(call.scope)
        response = self._follow(call, header)
        if response.status_code == 401:
            _leave(response)
            self._authorization.learn(read_challenges(response.headers.get_list("www-authenticate")))
            header = self._authorization.renewed(call.scope, header)
            if header is None:
                raise self._authorization.refusal(call.image)
            response = self._follow(call, header)
        return response

    def _follow(self, call: Call, authorization: str | None) -> httpx.Response:
        url = self._followed(self._root, call.target)
        for _ in range(_REDIRECTS):
            response = self._send(call, url, authorization)
            location = response.headers.get("location")
            if call.method not in {"GET", "HEAD"} or response.status_code not in _REDIRECTING or not location:
                return response
            _leave(response)
            url = self._followed(url, location)
        raise RedirectRefusedError(self.registry, address(url), f"which is redirect number {_REDIRECTS}")

    def _followed(self, base: httpx.URL, location: str) -> httpx.URL:
        try:
            url = base.join(location)
        except (httpx.InvalidURL, ValueError):
            raise RedirectRefusedError(self.registry, location.partition("?")[0], "which is no address") from None
        if url.scheme == "http" and self._root.scheme == "https":
            if url.host != self._root.host:
                raise RedirectRefusedError(self.registry, address(url), "which is not behind TLS")
            url = url.copy_with(scheme="https", port=self._root.port)
        if url.scheme not in {"http", "https"}:
            raise RedirectRefusedError(self.registry, address(url), "which is not HTTP")
        return url

    def _send(self, call: Call, url: httpx.URL, authorization: str | None) -> httpx.Response:
        headers = dict(call.headers)
        if authorization is not None and _origin(url) == _origin(self._root):
            headers["authorization"] = authorization
        content = call.body() if callable(call.body) else call.body
        return self._http.send(
            self._http.build_request(call.method, url, headers=headers, content=content), stream=True
        )

    def _send_to_token_service(self, request: httpx.Request) -> tuple[int, bytes]:
        response = self._http.send(request, stream=True)
        try:
            return response.status_code, beginning(response, LARGEST)
        finally:
            response.close()

    def _check(self, call: Call, response: httpx.Response) -> None:
        if response.status_code not in call.expected:
            raise self._problem(call, response)

    def _problem(self, call: Call, response: httpx.Response) -> Exception:
        """Make the error for an answer; one that may be another the next time is passing, which a full disk is not."""
        if response.status_code in {401, 403}:
            return self._authorization.refusal(call.image)
        error = explained(self.registry, call.image, response, beginning(response, _EXPLANATION))
        if response.status_code in _TRY_LATER and isinstance(error, RegistryFailureError):
            return PassingError(error, _seconds(response.headers.get("retry-after", "")))
        return error

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            text = self._reason(error)
            for sign, reason in _FINAL.items():
                if sign in text:
                    raise RegistryUnreachableError(self.registry, reason) from error
            raise PassingError(RegistryUnreachableError(self.registry, text)) from error

    def _reason(self, error: httpx.TransportError) -> str:
        """Say what went wrong, and where if that is not the registry itself."""
        text, url = str(error).rstrip(".") or type(error).__name__, error.request.url
        return text if _origin(url) == _origin(self._root) else f"{address(url)} does not answer ({text})"


def _leave(response: httpx.Response) -> None:
    """Close an answer; what little of it has not been read is, so that its connection serves again."""
    length = response.headers.get("content-length", "")
    is_short = length.isascii() and length.isdigit() and len(length) < 6
    is_bare = response.request.method == "HEAD" or response.status_code == httpx.codes.NO_CONTENT
    if (is_short or is_bare) and not response.is_stream_consumed:
        with contextlib.suppress(httpx.TransportError):
            beginning(response, _EXPLANATION)
    response.close()


def beginning(response: httpx.Response, limit: int) -> bytes:
    """Read an answer's body, or of a longer one a little more than `limit` bytes."""
    data = bytearray()
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > limit:
            break
    return bytes(data)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_plain(registry: str) -> bool:
    """Say whether a registry may be spoken to over plain HTTP without anybody having said so."""
    return is_loopback(httpx.URL(f"http://{registry}").host)


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
