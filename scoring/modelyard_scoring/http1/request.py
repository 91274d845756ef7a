"""A request that did not come over a connection of this server's HTTP side, such as the sample of the warm-up."""

from __future__ import annotations

from msgspec import Struct


class PlainRequest(Struct, kw_only=True):
    """What engines may know of a request, as plain values."""

    body: bytes
    content_type: bytes = b"application/json"
    accept: bytes = b""
    method: bytes = b"POST"
    target: bytes = b"/score"
    headers: dict[bytes, bytes] = {}
    request_id: str = "warm-up"
    usual: bool = False

    def __post_init__(self) -> None:
        said = {b"content-type": self.content_type, b"accept": self.accept}
        self.headers = {name: value for name, value in said.items() if value} | self.headers
