"""Compressed bodies (``Content-Encoding``), expanded piece by piece within a limit."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Any

import zstandard

from modelyard_scoring.errors import BodySizeError, EncodingError, MalformedError

_PIECE = 2**18  # bytes of the expanded body in one turn
_INPUT = 2**16
_MAX_WINDOW = 2**23  # bytes; RFC 8878 asks for no more

Steps = Generator[None, None, bytes]


def expand(encoding: bytes, body: bytes, limit: int) -> Steps:
    """Expand a body, stopping after each piece; no more than `limit` bytes and a piece are ever made of it.

    Raises
    ------
    EncodingError
        If the encoding is not known, or there are several.
    BodySizeError
        If the body becomes larger than `limit`.
    MalformedError
        If it is not what the encoding says, is cut off, or goes on after its end.
    """
    name = encoding.decode("latin-1").strip().lower()
    if name not in _EXPANDERS:
        raise EncodingError(name, sorted(_EXPANDERS))
    try:
        return (yield from _EXPANDERS[name](name, body, limit))
    except (zlib.error, zstandard.ZstdError) as error:
        raise MalformedError(name, str(error)[:200]) from None


def _inflate(name: str, body: bytes, limit: int) -> Steps:
    """Expand gzip, or deflate with the head of zlib or without, as some clients send it."""
    bits = 31 if name.endswith("gzip") else 15 if _has_zlib_head(body) else -15
    inflater = zlib.decompressobj(bits)
    expanded = bytearray()
    for piece in _pieces(inflater, body):
        expanded += piece
        if len(expanded) > limit:
            raise BodySizeError(limit)
        yield
    if not inflater.eof:
        raise MalformedError(name, "it is cut off")
    return bytes(expanded)


def _pieces(inflater: Any, body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _INPUT):
        if inflater.eof:
            raise zlib.error("something follows its end")
        yield inflater.decompress(body[start : start + _INPUT], _PIECE)
        while inflater.unconsumed_tail and not inflater.eof:
            yield inflater.decompress(inflater.unconsumed_tail, _PIECE)
    while not inflater.eof and (more := inflater.decompress(b"", _PIECE)):
        yield more
    if inflater.unused_data:
        raise zlib.error("something follows its end")


def _has_zlib_head(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0


def _zstd(name: str, body: bytes, limit: int) -> Steps:
    """Expand it twice: first to know how large it is, then, since that is little, in one go."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    size = 0
    with decompressor.stream_reader(io.BytesIO(body)) as reader:
        while piece := reader.read(_PIECE):
            size += len(piece)
            if size > limit:
                raise BodySizeError(limit)
            yield
    whole = decompressor.decompressobj()
    expanded = whole.decompress(body)
    if not whole.eof:
        raise MalformedError(name, "it is cut off")
    if whole.unused_data:
        raise MalformedError(name, "something follows its end")
    return expanded


def _identity(_name: str, body: bytes, _limit: int) -> Steps:
    yield from ()
    return body


_EXPANDERS: dict[str, Callable[[str, bytes, int], Steps]] = {
    "gzip": _inflate,
    "x-gzip": _inflate,
    "deflate": _inflate,
    "zstd": _zstd,
    "identity": _identity,
}
