"""Errors of the server.

::

    ModelyardError
    ├── UnknownHostError     a request is for a name that this server does not go by
    ├── UnsafeAddressError   serving there would show tokens, or answer to any name
    └── AddressInUseError    something listens there already
"""

from __future__ import annotations

from modelyard.errors import ModelyardError


class UnknownHostError(ModelyardError):
    """A request is for a name that this server does not go by."""

    code = "unknown-host"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This server does not go by the name {host[:80]!r}. If it should, start it with: --allow-host NAME"
        )
        self.host = host


class UnsafeAddressError(ModelyardError):
    """Serving at an address that others reach would show tokens to them, or answer to any name."""

    code = "unsafe-address"

    def __init__(self, host: str, missing: str) -> None:
        super().__init__(f"Others reach this machine at {host}: {missing}. Or serve at 127.0.0.1 alone.")
        self.host = host
        self.missing = missing


class AddressInUseError(ModelyardError):
    """Something listens at the address already."""

    code = "address-in-use"

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"Something listens at {host}:{port} already. Choose another port with: --port NUMBER")
        self.host = host
        self.port = port
