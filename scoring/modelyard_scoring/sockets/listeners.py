"""Sockets that someone else bound: a service manager, or the server that this one succeeds."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from modelyard_scoring.errors import SocketError
from modelyard_scoring.settings import Settings


def check_listeners(listeners: Sequence[socket.socket], settings: Settings) -> None:
    """Make sure that sockets are what the settings would have bound.

    Raises
    ------
    SocketError
        If one is of another kind, is missing, or is open to others while there are no keys.
    """
    if settings.admin_port is not None and len(listeners) < 2:
        raise SocketError("is alone: with --admin-port there are two, and the last is for health and metrics")
    for listener in listeners:
        if listener.family not in {socket.AF_INET, socket.AF_INET6}:
            raise SocketError(f"is of the family {listener.family.name}")
    scored = listeners if settings.admin_port is None else listeners[:-1]
    for listener in scored if not settings.keyed else ():
        host = listener.getsockname()[0]
        if not settings.serves_loopback(host):
            raise SocketError(f"is bound to {host}: without --keys-file only a loopback address is served")
