"""The doors of a worker: the main one, and where wished one for health and metrics."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from msgspec.structs import replace

from modelyard_scoring.credentials.certificates import Certificates
from modelyard_scoring.http1.gate import make_gate
from modelyard_scoring.http1.protocol import Connection
from modelyard_scoring.http1.server import Parts, Server
from modelyard_scoring.sockets.door import Door


class Doors:
    """Servers behind sockets that workers share.

    Parameters
    ----------
    sockets
        Those of `main`; the last one is of `admin`, where there is an admin port.
    certificates
        For TLS at the main door. That of health and metrics has none: who probes has no certificate to show.

    Attributes
    ----------
    main
        Serves models.
    admin
        Serves health and metrics, at a port of its own; None without one.
    """

    def __init__(
        self,
        parts: Parts,
        sockets: Sequence[socket.socket],
        certificates: Certificates | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.main = Server(parts, loop)
        self.admin: Server | None = None
        self._counters = parts.counters
        handshake = parts.settings.header_timeout
        at = len(sockets) if parts.settings.admin_port is None else -1
        self._main_door = Door(sockets[:at], lambda: Connection(self.main), certificates, handshake)
        self._admin_door = Door(sockets[at:], lambda: Connection(self.admin or self.main))
        if sockets[at:]:
            settings = parts.settings
            gate = make_gate(settings, settings.admin_host or settings.host, keyed=False)
            self.admin = Server(replace(parts, keys=None, gate=gate), loop)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self.main.connections) + (0 if self.admin is None else len(self.admin.connections))

    def tick(self) -> None:
        """Do what is to be done a few times a second."""
        for server in self._servers():
            server.tick()
        self._counters.connected(self.connections)

    async def adjust(self, *, accepting: bool) -> None:
        """Accept from now on, or do not."""
        await self._main_door.adjust(accepting=accepting)
        await self._admin_door.adjust(accepting=accepting)

    async def shut(self) -> None:
        """Serve what waits to be accepted, and take no more."""
        await self._main_door.shut()
        await self._admin_door.shut()

    def stop(self) -> None:
        """Close connections as soon as their answers are written."""
        for server in self._servers():
            server.stop()

    def _servers(self) -> list[Server]:
        return [self.main] if self.admin is None else [self.main, self.admin]
