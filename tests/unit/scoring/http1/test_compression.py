"""Compressed bodies expand within their limit, or are refused."""

import gzip
import tracemalloc
import zlib

import pytest
import zstandard

from modelyard_scoring.errors import BodySizeError, EncodingError, MalformedError
from modelyard_scoring.http1.compression import expand

TEXT = bytes(range(256)) * 2000


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED = {
    b"gzip": gzip.compress,
    b"x-gzip": gzip.compress,
    b"GZip ": gzip.compress,
    b"deflate": zlib.compress,
    b"zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    b"identity": bytes,
}


def drained(steps, turns=None):
    for _ in range(10**6):
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        if turns is not None:
            turns.append(None)
    raise AssertionError("it never ends")


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("text", [b"", b"x", TEXT])
def test_what_was_packed_comes_out(encoding, text):
    assert drained(expand(encoding, PACKED[encoding](text), len(text))) == text


def test_deflate_without_the_head_of_zlib_is_known():
    assert drained(expand(b"deflate", raw_deflate(TEXT), len(TEXT))) == TEXT


def test_zstd_of_unknown_size_is_expanded():
    packer = zstandard.ZstdCompressor().compressobj()
    assert drained(expand(b"zstd", packer.compress(TEXT) + packer.flush(), len(TEXT))) == TEXT


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"zstd"])
@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[: len(b) // 2], lambda b: b[:1], lambda b: b + b"x", lambda b: b + b]
)
def test_what_is_cut_off_or_goes_on_is_malformed(encoding, damage):
    body = damage(PACKED[encoding](TEXT))
    with pytest.raises(MalformedError):
        drained(expand(encoding, body, 3 * len(TEXT)))


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"zstd"])
@pytest.mark.parametrize("body", [b"", b"{}", b"\xff" * 100, b"\x1f\x8b"])
def test_other_bytes_are_malformed(encoding, body):
    with pytest.raises(MalformedError):
        drained(expand(encoding, body, 1000))


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"zstd"])
def test_a_bomb_costs_no_more_than_the_limit(encoding):
    body, limit, turns = PACKED[encoding](bytes(50_000_000)), 2_000_000, []
    assert len(body) < 50_000
    tracemalloc.start()
    try:
        with pytest.raises(BodySizeError):
            drained(expand(encoding, body, limit), turns)
        assert tracemalloc.get_traced_memory()[1] < 3 * limit
    finally:
        tracemalloc.stop()
    assert 5 <= len(turns) <= 10


def test_a_window_of_more_memory_than_is_usual_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(MalformedError, match="memory"):
        drained(expand(b"zstd", packer.compress(TEXT) + packer.flush(), 10**9))


@pytest.mark.parametrize("encoding", [b"br", b"gzip, gzip", b"gzip,identity", b"", b"\xff"])
def test_other_encodings_and_several_are_refused(encoding):
    with pytest.raises(EncodingError, match="Send one of deflate, gzip"):
        drained(expand(encoding, b"", 10))
