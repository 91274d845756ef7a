"""``modelyard server start``: one workspace behind gunicorn, one process of threads."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from msgspec import Struct

from modelyard.errors import AlreadyExistsError, WorkspaceNotFoundError
from modelyard.location import is_workspace
from modelyard.server.access import NewToken, Tokens
from modelyard.server.app import create_app
from modelyard.server.attending import Attending
from modelyard.server.errors import AddressInUseError, UnsafeAddressError
from modelyard.server.hosts import is_loopback, is_wildcard
from modelyard.settings import Settings
from modelyard.store.creation import create_store
from modelyard.store.identity import Identity
from modelyard.store.store import Store
from modelyard.values import make_ready

_STALLED = 60
"""Seconds after which a client that sends or takes nothing loses its thread."""
_BACKLOG = 1024


class Serving(Struct, frozen=True, kw_only=True):
    """What is served where.

    Parameters
    ----------
    root
        The workspace's folder.
    database
        Where its rows are, if not in a SQLite file of the folder (``postgresql://…``).
    name
        Make the workspace, under this name, if there is none.
    port
        0 takes a free one.
    hosts
        The names and addresses by which clients call the server, besides those of this machine's own loopback.
    behind_proxy
        A proxy in front encrypts.
    certificate, key
        PEM files: encrypt here.
    runner
        Have a runner of this machine bring about what callers ask for, such as services.
    """

    root: Path
    database: str | None = None
    name: str | None = None
    host: str = "127.0.0.1"
    port: int = 8630
    hosts: tuple[str, ...] = ()
    behind_proxy: bool = False
    certificate: Path | None = None
    key: Path | None = None
    threads: int = 16
    runner: bool = True


class Started(Struct, frozen=True, kw_only=True):
    """What is said when the server listens: `token` is an owner's, the first time that the workspace is served."""

    url: str
    workspace: str
    token: str | None


def serve(serving: Serving, say: Callable[[Started], None]) -> None:
    """Serve until SIGTERM or SIGINT, and then finish what is in flight; ends the process.

    Parameters
    ----------
    say
        Called once, when clients can connect.

    Raises
    ------
    UnsafeAddressError
        If others could reach the server and nothing encrypts, or it would answer to any name.
    AddressInUseError
        If something listens there already.
    WorkspaceNotFoundError
        If there is no workspace, and no name to make it under.
    NewerWorkspaceError
        If a newer version wrote the workspace.
    """
    check_address(serving)
    with listening(serving.host, serving.port) as listener:
        name, token = prepare(serving)
        scheme = "https" if serving.certificate else "http"
        host = f"[{serving.host}]" if ":" in serving.host else serving.host
        say(Started(url=f"{scheme}://{host}:{listener.getsockname()[1]}", workspace=name, token=token))
        _Application(serving, listener.fileno()).run()


def check_address(serving: Serving) -> None:
    """Refuse an address at which others would see tokens, or a name of their own would lead to us.

    Raises
    ------
    UnsafeAddressError
        If it is one.
    """
    if is_loopback(serving.host):
        return
    if serving.certificate is None and not serving.behind_proxy:
        raise UnsafeAddressError(
            serving.host, "encrypt with --certificate FILE --key FILE, or say --behind-proxy if a proxy in front does"
        )
    if is_wildcard(serving.host) and not serving.hosts:
        raise UnsafeAddressError(serving.host, "say by which names clients call the server, with --allow-host NAME")


def prepare(serving: Serving) -> tuple[str, str | None]:
    """Bring the workspace to this version, and return its name, and an owner's token if it had no token at all."""
    if serving.name is not None:
        create_store(serving.root, serving.name, {}, exist_ok=True, url=serving.database)
    elif serving.database is None and not is_workspace(serving.root):
        raise WorkspaceNotFoundError(str(serving.root))
    serving.root.mkdir(parents=True, exist_ok=True)
    store = Store.open(serving.root, serving.database)
    try:
        return Identity(store).get().name, _first_token(Tokens(store))
    finally:
        store.close()


def _first_token(tokens: Tokens) -> str | None:
    if tokens.list().items:
        return None
    try:
        return tokens.create(NewToken(name="first-owner", role="owner", days=365)).secret
    except AlreadyExistsError:  # another server of this workspace was quicker
        return None


def listening(host: str, port: int) -> socket.socket:
    """Open the socket that connections are taken from; what is set on it holds for them too.

    Raises
    ------
    AddressInUseError
        If something listens there already.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", _STALLED, 0))
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise AddressInUseError(host, port) from None
        raise
    return listener


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn is not typed
    def __init__(self, serving: Serving, descriptor: int) -> None:
        self._serving = serving
        self._descriptor = descriptor
        self._store: Store | None = None
        self._attending: Attending | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in the worker: no connection is shared with the parent."""
        self._store = Store.open(self._serving.root, self._serving.database)
        app = create_app(self._store, (self._serving.host, *self._serving.hosts))
        make_ready()
        if self._serving.runner:
            self._attending = Attending(self._store, Settings.read())
        return app

    def _settings(self) -> dict[str, Any]:
        serving = self._serving
        return {
            "bind": f"fd://{os.dup(self._descriptor)}",  # gunicorn closes what it is given
            "worker_class": "modelyard.server.worker.LingeringWorker",
            "workers": 1,  # one process holds one cache and one SQLite writer; threads wait for the disk together
            "threads": serving.threads,
            "worker_connections": 2000,
            "backlog": _BACKLOG,
            "keepalive": 75,
            "timeout": 120,  # for the worker as a whole; a transfer may take as long as bytes come
            "graceful_timeout": 60,
            "loglevel": "warning",
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108 - a heartbeat, not data
            "certfile": str(serving.certificate) if serving.certificate else None,
            "keyfile": str(serving.key) if serving.key else None,
            "worker_exit": lambda _arbiter, _worker: self._close(),
        }

    def _close(self) -> None:
        if self._attending is not None:
            self._attending.close()
        if self._store is not None:
            self._store.close()
