"""The port for gRPC: reserved by the master, shared by the workers."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import socket
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from modelyard_scoring.arguments import PREFIX
from modelyard_scoring.errors import SettingError
from modelyard_scoring.rpc.parts import RpcParts
from modelyard_scoring.settings import Settings
from modelyard_scoring.sockets.listeners import bound

if TYPE_CHECKING:
    from modelyard_scoring.rpc.service import InferenceService

_log = logging.getLogger(__name__)
_HOLD = 0.05  # seconds
_OVERHEAD = 64 * 1024  # of a message, beside the tensors that a body would hold


class Reserved(Struct, frozen=True, kw_only=True):
    """An address that is taken, though nobody listens at it through this socket.

    Each worker listens with a socket of its own, and the kernel divides connections among those that do. So clients
    only meet workers that are ready, and a port that is chosen by the kernel is the same for all.
    """

    address: str
    socket: socket.socket

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Take the address that the settings say; None without one.

        Raises
        ------
        SettingError
            If grpc is not installed.
        AddressError
            If the address is taken.
        """
        port = settings.grpc_port
        if port is None:
            return None
        if importlib.util.find_spec("grpc") is None or importlib.util.find_spec("google.protobuf") is None:
            raise SettingError(f"--grpc-port ({PREFIX}GRPC_PORT)", port, "none, until pip install modelyard[grpc]")
        own = bound("--grpc-port", settings.host, port, socket.SO_REUSEPORT)
        host, taken = own.getsockname()[:2]
        return cls(address=f"[{host}]:{taken}" if ":" in host else f"{host}:{taken}", socket=own)


class RpcDoor:
    """Answers calls at the reserved address while the worker is ready; without an address it does nothing."""

    def __init__(self, reserved: Reserved | None, parts: RpcParts) -> None:
        self._address = None if reserved is None else reserved.address
        self._parts = parts
        self._service: InferenceService | None = None
        self._server: Any = None

    def load(self) -> None:
        """Import what takes long, which need not be done in the loop."""
        if self._address is not None:
            importlib.import_module("modelyard_scoring.rpc.service")

    async def open(self) -> None:
        """Listen."""
        if self._address is None:
            return
        import grpc

        from modelyard_scoring.rpc.service import InferenceService
        from modelyard_scoring.rpc.tls import server_credentials

        settings, limits = self._parts.server.settings, self._parts.server.limits
        options = [
            ("grpc.so_reuseport", 1),
            ("grpc.max_receive_message_length", limits.max_body_bytes + _OVERHEAD),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", settings.max_header_bytes),
            ("grpc.absolute_max_metadata_size", settings.max_header_bytes),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ]
        self._service = InferenceService(self._parts)
        self._server = grpc.aio.server(options=options)
        self._server.add_generic_rpc_handlers((self._service.handlers(),))
        if self._parts.certificates is None:
            self._server.add_insecure_port(self._address)
        else:
            self._server.add_secure_port(self._address, server_credentials(self._parts.certificates))
        await self._server.start()
        _log.info("gRPC is served at %s.", self._address)

    def stopping(self) -> None:
        """Say from now on that the server is not ready."""
        if self._service is not None:
            self._service.stopping = True

    async def close(self, grace: float) -> None:
        """Take no more calls, and wait for those under way, at most `grace` seconds.

        Calls that have arrived, but that grpc has not handed over when it is told to stop, would be cancelled. So
        answers are held back for a moment: clients that wait for theirs send no other call, and when it comes they
        know already that the next one has to go elsewhere.
        """
        if self._server is None or self._service is None:
            return
        self._service.released.clear()
        await asyncio.sleep(_HOLD)
        stopped = asyncio.ensure_future(self._server.stop(grace))
        await asyncio.sleep(_HOLD)
        self._service.released.set()
        await stopped
