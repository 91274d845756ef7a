"""Requests that offer another protocol, which is declined by answering in HTTP/1.1."""

from __future__ import annotations

from modelyard_scoring.http1.exchange import Exchange

_OFFER = frozenset([b"connection", b"upgrade", b"http2-settings"])


def head_without_offer(exchange: Exchange) -> bytes:
    """Write the head of a request again, without the offer and with ``connection: close``.

    The parser takes the body after an offer for another protocol's bytes; after this head it does not.
    Java's client offers HTTP/2 like this with its first request.
    """
    lines = [b"%b %b HTTP/1.1" % (exchange.method, exchange.target)]
    lines += [b"%b: %b" % (name, value) for name, value in exchange.headers.items() if name not in _OFFER]
    return b"\r\n".join([*lines, b"connection: close", b"", b""])
