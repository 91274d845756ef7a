"""Where a request comes from: which host it means to reach, and which site's page sent it.

A page of any site can send requests to a server on the same machine as its browser, and with a name that first means
its own server and then 127.0.0.1 (DNS rebinding) it can read the answers too. Keys stop both. A server without keys
looks at the headers that browsers set and pages cannot: ``Host``, ``Origin`` and ``Sec-Fetch-Site``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelyard_scoring.http1.errors import ForeignOriginError, WrongHostError
from modelyard_scoring.http1.exchange import Exchange
from modelyard_scoring.http1.routes import Route, Routes
from modelyard_scoring.settings import Settings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SAFE = frozenset([b"GET", b"HEAD", b"OPTIONS"])
_PROBES = frozenset([b"/live", b"/ready"])  # who probes a container names it by an address that changes
_HOST = re.compile(rb"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{0,5})?")
_MAX_KNOWN = 256
_METHODS = b"access-control-allow-methods: GET, HEAD, POST\r\n"
_HEADERS = (
    b"access-control-allow-headers: accept, authorization, content-encoding, content-type, "
    b"inference-header-content-length, traceparent, x-api-key, x-ms-client-request-id, x-ms-request-id, "
    b"x-request-id, x-request-timeout\r\n"
)
_EXPOSED = (
    b"access-control-expose-headers: inference-header-content-length, retry-after, traceparent, "
    b"x-ms-client-request-id, x-ms-request-id, x-ms-run-fn-exec-ms, x-ms-run-function-failed, x-request-id\r\n"
)


class Gate:
    """Finds the routes of requests that come from where they may.

    Parameters
    ----------
    hosts
        The names and addresses that the header ``Host`` may have, without ports; None for any.
    origins
        Those whose pages may read answers, or ``*`` for any.
    same_origin
        Whether pages of other origins may not even send requests that change something.
    """

    def __init__(self, hosts: Iterable[str] | None, origins: Iterable[str], *, same_origin: bool) -> None:
        self._hosts = None if hosts is None else frozenset(host.encode() for host in hosts)
        self._known: set[bytes] = set()
        self._origins = frozenset(origin.encode() for origin in origins)
        self._same_origin = same_origin
        self._preflight = Route(path="*", methods=("OPTIONS",), keyed=False, handle=_answer_preflight)

    def find(self, exchange: Exchange, routes: Routes) -> Route:
        """Find the route of a request.

        Raises
        ------
        WrongHostError
            If it means to reach another host.
        ForeignOriginError
            If a page of another site sent it that may not.
        RequestError
            If there is no route.
        """
        headers = exchange.headers
        host, origin = headers.get(b"host", b""), headers.get(b"origin")
        if self._hosts is not None and host not in self._known and exchange.target not in _PROBES:
            self._check_host(host)
        if self._origins:
            exchange.cors = self._cors_headers(origin)
        if self._same_origin and exchange.method not in _SAFE:
            self._check_origin(host, origin, headers.get(b"sec-fetch-site"))
        if exchange.method == b"OPTIONS" and b"access-control-request-method" in headers and self._allows(origin):
            return self._preflight
        return routes.find(exchange.method, exchange.target)

    def _check_host(self, host: bytes) -> None:
        match = _HOST.fullmatch(host.lower())
        # without a host header, which HTTP/1.0 allows, no browser has sent the request
        if host and (match is None or (match[1] or match[2]) not in (self._hosts or ())):
            raise WrongHostError(host.decode("latin-1"))
        if len(self._known) < _MAX_KNOWN:
            self._known.add(host)

    def _check_origin(self, host: bytes, origin: bytes | None, site: bytes | None) -> None:
        if self._allows(origin):
            return
        foreign = site == b"cross-site" if origin is None else origin.lower().partition(b"://")[2] != host.lower()
        if foreign:
            raise ForeignOriginError((origin or b"unknown").decode("latin-1"))

    def _allows(self, origin: bytes | None) -> bool:
        return origin is not None and (origin in self._origins or b"*" in self._origins)

    def _cors_headers(self, origin: bytes | None) -> bytes:
        if b"*" in self._origins:
            return b"access-control-allow-origin: *\r\n" + _EXPOSED
        if origin in self._origins:
            return b"access-control-allow-origin: %b\r\nvary: origin\r\n" % origin + _EXPOSED
        return b"vary: origin\r\n"


def _answer_preflight(exchange: Exchange) -> None:
    exchange.send(b"", extra=_METHODS + _HEADERS + b"access-control-max-age: 600\r\n")


def make_gate(settings: Settings, host: str, *, keyed: bool) -> Gate | None:
    """Make the gate of a port; None where any request may pass."""
    bare = not keyed and settings.serves_loopback(host)
    hosts: set[str] | None = None
    if bare or settings.allowed_hosts:
        hosts = {*_LOOPBACK, host, *(settings.allowed_hosts or ())}
        if "*" in hosts:
            hosts = None
    if hosts is None and not bare and not settings.cors_origins:
        return None
    return Gate(hosts, settings.cors_origins or (), same_origin=bare)
