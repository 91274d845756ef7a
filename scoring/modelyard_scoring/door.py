"""The sockets that workers share: each worker accepts from them while it should."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence


class Door:
    """Accepts connections, or leaves them to the other workers.

    Parameters
    ----------
    sockets
        Listening sockets; they stay open, whatever this worker does.
    protocol
        Makes the protocol of a connection.
    """

    def __init__(self, sockets: Sequence[socket.socket], protocol: Callable[[], asyncio.Protocol]) -> None:
        self._sockets = sockets
        self._protocol = protocol
        self._servers: list[asyncio.Server] = []

    async def adjust(self, *, accepting: bool) -> None:
        """Accept from now on, or do not."""
        if accepting and not self._servers:
            loop = asyncio.get_running_loop()
            # closing a server closes its socket: a copy is given to it
            self._servers = [await loop.create_server(self._protocol, sock=one.dup()) for one in self._sockets]
        elif not accepting:
            for server in self._servers:
                server.close()
            self._servers = []
