"""The names that a server goes by.

A page from anywhere may make its own name resolve to 127.0.0.1, and then a browser lets it talk to a server there
(DNS rebinding). The server therefore answers only requests for names that are its own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from flask import Flask, request

from modelyard.server.errors import UnknownHostError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_OPEN = frozenset({"/live"})
"""Probes call by whatever address they have."""


def guard(app: Flask, names: Iterable[str]) -> None:
    """Let `app` answer only requests for `names`, besides those of this machine's own loopback."""
    allowed = LOOPBACK | {name.lower() for name in names}

    def check() -> None:
        host = request.headers.get("host", "")
        if host_name(host) not in allowed and request.path not in _OPEN:
            raise UnknownHostError(host)

    app.before_request(check)


def host_name(host: str) -> str:
    """Take the port, and the brackets of an IPv6 address, off the value of a ``Host`` header."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].removesuffix(".")


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches `host`, a name or an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_wildcard(host: str) -> bool:
    """Say whether `host` stands for every address of this machine."""
    return host in ("", "0.0.0.0", "::", "*")  # noqa: S104 - looked for, to be refused
