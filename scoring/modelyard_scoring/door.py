"""The sockets that workers share: each worker accepts from them while it should."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from modelyard_scoring.certificates import Certificates


class Door:
    """Accepts connections, or leaves them to the other workers.

    Parameters
    ----------
    sockets
        Listening sockets; they stay open, whatever this worker does.
    protocol
        Makes the protocol of a connection.
    certificates
        For TLS; None for plain HTTP.
    timeout
        Seconds for a TLS handshake.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        protocol: Callable[[], asyncio.Protocol],
        certificates: Certificates | None = None,
        timeout: float = 10.0,
    ) -> None:
        self._sockets = sockets
        self._protocol = protocol
        self._certificates = certificates
        self._timeout = timeout
        self._servers: list[asyncio.Server] = []

    async def adjust(self, *, accepting: bool) -> None:
        """Accept from now on, or do not."""
        renewed = self._certificates is not None and self._certificates.refresh()
        if accepting and (renewed or not self._servers):
            former, self._servers = self._servers, [await self._open(one) for one in self._sockets]
            for server in former:
                server.close()
        elif not accepting:
            for server in self._servers:
                server.close()
            self._servers = []

    async def _open(self, listener: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        copy = listener.dup()  # closing a server closes its socket
        if self._certificates is None:
            return await loop.create_server(self._protocol, sock=copy)
        return await loop.create_server(
            self._protocol, sock=copy, ssl=self._certificates.context, ssl_handshake_timeout=self._timeout
        )
