"""Heads that came before, byte for byte: what was found out about them need not be found out again.

A client sends the same head with every request, but for bodies of other lengths. What the parser, the routes and the
keys make of a head depends on its bytes alone, so that a head that was accepted once is looked up the next time. A
head is kept when it comes for the second time: one that carries an id of its own each time would only take room.
"""

from __future__ import annotations

from msgspec import Struct

from modelyard_scoring.answers import JSON
from modelyard_scoring.http1.accept import ANY
from modelyard_scoring.http1.exchange import Exchange

_END = b"\r\n\r\n"
_MAX_HEADS = 2048
_MAX_BYTES = 4096
_OF_ONE_REQUEST = ("connection", "body", "started", "deadline")
_NOTHING = object()
_NEVER = frozenset([b"transfer-encoding", b"expect", b"upgrade"])


class Known(Struct, frozen=True, kw_only=True):
    """What a head means.

    Parameters
    ----------
    head
        Its bytes, with the empty line.
    size
        The bytes of a whole request.
    kind
        The exchanges that begin with it: what follows from it are attributes of their class.
    has_id
        Whether the client names its requests: with this head, all alike.
    """

    head: bytes
    size: int
    kind: type[Exchange]
    has_id: bool


class KnownHeads:
    """The heads of one worker's connections, as many as fit."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}
        self._once: set[bytes] = set()

    def find(self, data: bytes) -> Known | None:
        """Tell what the head of a whole request means, if nothing but its body is new."""
        known = self._known.get(data[: data.find(_END) + 4])
        return known if known is not None and len(data) == known.size else None

    def learn(self, data: bytes, exchange: Exchange) -> None:
        """Remember the head of a request that the parser read from `data`, which held it alone."""
        end = data.find(_END) + 4
        head = data[:end]
        # the last: lines may end otherwise, and then the parser has seen the end of the head elsewhere
        if not _is_plain(exchange, head) or exchange.body != data[end:] or head.count(b"\n") != head.count(b"\r\n"):
            return
        if head not in self._once:
            if len(self._once) >= _MAX_HEADS:
                self._once.clear()
            self._once.add(head)
            return
        if len(self._known) >= _MAX_HEADS:
            self._known.clear()
        facts = {
            name: fact
            for name, fact in vars(exchange).items()
            if name not in _OF_ONE_REQUEST and fact is not getattr(Exchange, name, _NOTHING)
        }
        has_id = exchange.headers.get(b"x-request-id", b"").decode("latin-1") == exchange.request_id
        if not has_id:
            del facts["request_id"]
        facts["usual"] = _is_usual(exchange)
        kind = type("KnownExchange", (Exchange,), facts)
        self._known[head] = Known(head=head, size=len(data), kind=kind, has_id=has_id)

    def forget(self) -> None:
        """Forget all: the keys are others."""
        self._known.clear()


def _is_usual(exchange: Exchange) -> bool:
    headers = exchange.headers
    return (
        exchange.method == b"POST"
        and not exchange.old_version
        and not exchange.cors
        and headers.get(b"content-type", JSON) == JSON
        and headers.get(b"accept", b"*/*") in ANY
        and b"content-encoding" not in headers
    )


def _is_plain(exchange: Exchange, head: bytes) -> bool:
    if exchange.refusal is not None or exchange.correlation is not None or not exchange.keep_alive:
        return False
    return head[:1].isalpha() and len(head) <= _MAX_BYTES and _NEVER.isdisjoint(exchange.headers)
