"""The sockets that workers share: each worker accepts from them while it should."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence

from modelyard_scoring.credentials.certificates import Certificates


class Door:
    """Accepts connections, or leaves them to the other workers.

    Parameters
    ----------
    sockets
        Listening sockets; they stay open until `shut`.
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

    async def shut(self) -> None:
        """Serve the connections that wait to be accepted, and take no more.

        Where no other process has the sockets, a client that comes later is told at once that nobody listens: what the
        kernel accepts and no worker serves would be cut off.
        """
        waiting: list[socket.socket] = []
        await self.adjust(accepting=False)
        for listener in self._sockets:
            waiting += _backlog(listener)
            listener.close()
        await asyncio.gather(*map(self._serve, waiting), return_exceptions=True)

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        connection.setblocking(False)
        if self._certificates is None:
            await loop.connect_accepted_socket(self._protocol, connection)
        else:
            context, timeout = self._certificates.context, self._timeout
            await loop.connect_accepted_socket(self._protocol, connection, ssl=context, ssl_handshake_timeout=timeout)

    async def _open(self, listener: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        copy = listener.dup()  # closing a server closes its socket
        if self._certificates is None:
            return await loop.create_server(self._protocol, sock=copy)
        return await loop.create_server(
            self._protocol, sock=copy, ssl=self._certificates.context, ssl_handshake_timeout=self._timeout
        )


def _backlog(listener: socket.socket) -> Iterator[socket.socket]:
    """Accept what waits, and wait for nothing."""
    listener.setblocking(False)
    while True:
        try:
            yield listener.accept()[0]
        except ConnectionAbortedError:
            continue
        except OSError:  # none waits
            return
