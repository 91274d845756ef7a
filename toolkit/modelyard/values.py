"""Values, made ready for several threads.

msgspec learns how to decode a `Struct` when it first does, and keeps what it has so far with the class: another thread
that decodes the same class in that moment crashes the process (msgspec 0.22, seen as a segmentation fault of a runner).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec


def make_ready() -> None:
    """Have msgspec know every class of values that is there; call it before threads are started."""
    for kind in _below(msgspec.Struct):
        with suppress(NameError, TypeError):  # one that is not for decoding
            msgspec.json.Decoder(kind)


def _below(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)
