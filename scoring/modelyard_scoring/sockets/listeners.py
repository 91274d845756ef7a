"""Where the server listens: at addresses that are free, or at sockets that someone else bound.

That is a service manager, or the server that this one succeeds.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

from modelyard_scoring.errors import AddressError, SocketError
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


def check_free(settings: Settings, environ: Mapping[str, str]) -> None:
    """Make sure that the server can listen where it should: gunicorn would try for five seconds, and say less.

    Raises
    ------
    AddressError
        If it cannot.
    """
    if settings.fd is not None or not environ.keys().isdisjoint({"GUNICORN_FD", "LISTEN_FDS"}):  # it listens already
        return
    bound("--port", settings.host, settings.port, socket.SO_REUSEADDR).close()
    if settings.admin_port is not None:
        bound("--admin-port", settings.admin_host or settings.host, settings.admin_port, socket.SO_REUSEADDR).close()


def bound(option: str, host: str, port: int, shared: int) -> socket.socket:
    """Give a socket that is bound to an address, with the option of sockets that says with whom it is shared.

    Raises
    ------
    AddressError
        If it cannot be bound.
    """
    own = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    own.setsockopt(socket.SOL_SOCKET, shared, 1)
    try:
        own.bind((host, port))
    except OSError as error:
        own.close()
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise AddressError(option, address, error.strerror or str(error)) from error
    return own
